//! A UART: a serial port, a USB adapter, or a pseudo terminal.

use super::baud::{IS_TEXT, RATES, TELLING_BYTES, share_of_text};
use super::{Field, FieldKind, Link, LinkError, LinkKind, Present, Settings};
use serialport::{
    ClearBuffer, DataBits, ErrorKind, FlowControl, Parity, SerialPort, SerialPortType, StopBits,
    UsbPortInfo,
};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// Read at a time: what 3 Mbaud bring in a fifth of a second.
const READ_BYTES: usize = 64 << 10;

/// The baud rate that is guessed.
const AUTO: &str = "auto";
/// Each rate is listened to for so long, or until so many bytes came.
const GUESS_TIME: Duration = Duration::from_millis(300);
const GUESS_BYTES: usize = 2048;

/// The port: a path, or a name of the system.
pub const PORT: Field = Field {
    id: "port",
    title: "Port",
    kind: FieldKind::Text,
    default: "",
    help: "A path such as /dev/ttyUSB0, or a name such as COM7",
};
/// Bits a second.
pub const BAUD: Field = Field {
    id: "baud",
    title: "Baud rate",
    kind: FieldKind::NumberOr(50, 16_000_000, AUTO),
    default: "115200",
    help: "Bits a second, as the firmware sets its UART up; auto tries the usual ones",
};
/// Data bits, parity, stop bits.
pub const FRAMING: Field = Field {
    id: "framing",
    title: "Framing",
    kind: FieldKind::Choice(&["8N1", "8E1", "8O1", "8N2", "7E1", "7O1", "7N1"]),
    default: "8N1",
    help: "Data bits, parity (none, even, odd) and stop bits",
};
/// Who may stop whom.
pub const FLOW: Field = Field {
    id: "flow",
    title: "Flow control",
    kind: FieldKind::Choice(&["none", "hardware", "software"]),
    default: "none",
    help: "Hardware uses the lines RTS and CTS, software the characters XON and XOFF",
};

/// What is done to the lines of the port; many boards reset, or go into their boot loader, by them.
pub const DTR: Field = Field {
    id: "dtr",
    title: "DTR",
    kind: FieldKind::Choice(LINE),
    default: "leave",
    help: "Data terminal ready: many boards reset by it; leave does what the system does",
};
/// The same of the other one.
pub const RTS: Field = Field {
    id: "rts",
    title: "RTS",
    kind: FieldKind::Choice(LINE),
    default: "leave",
    help: "Request to send: on boards of Espressif it resets, with DTR it starts the boot loader",
};
const LINE: &[&str] = &["leave", "on", "off"];

/// The kind of link.
pub struct Uart;

impl LinkKind for Uart {
    fn id(&self) -> &'static str {
        "uart"
    }

    fn title(&self) -> &'static str {
        "UART"
    }

    fn fields(&self) -> &'static [Field] {
        &[PORT, BAUD, FRAMING, FLOW, DTR, RTS]
    }

    fn present(&self) -> Vec<Present> {
        // Without the list of the system the library would panic.
        if cfg!(target_os = "linux") && !Path::new("/sys/class/tty").is_dir() {
            return Vec::new();
        }
        let ports = serialport::available_ports().unwrap_or_default();
        let present = ports.into_iter().map(|port| Present {
            title: match &port.port_type {
                SerialPortType::UsbPort(usb) => format!("{}, {}", port.port_name, usb_name(usb)),
                _ => port.port_name.clone(),
            },
            settings: Settings::default().with(PORT.id, port.port_name),
            problem: None,
        });
        let mut present: Vec<Present> = present.collect();
        present.sort_by(|a, b| a.title.cmp(&b.title));
        present
    }

    fn describe(&self, settings: &Settings) -> String {
        let framing = settings.text(&FRAMING);
        let (port, baud) = (settings.text(&PORT), settings.text(&BAUD));
        format!("{port}, {baud} baud, {framing}")
    }

    fn open(&self, settings: &Settings) -> Result<Box<dyn Link>, LinkError> {
        let name = settings.checked(&PORT)?;
        let (data_bits, parity, stop_bits) = framing(settings.checked(&FRAMING)?);
        let flow = match settings.checked(&FLOW)? {
            "hardware" => FlowControl::Hardware,
            "software" => FlowControl::Software,
            _ => FlowControl::None,
        };
        let is_guessed = settings.checked(&BAUD)? == AUTO;
        let rate = if is_guessed {
            RATES[0]
        } else {
            settings.number(&BAUD)?
        };
        let mut port = serialport::new(name, rate)
            .data_bits(data_bits)
            .parity(parity)
            .stop_bits(stop_bits)
            .flow_control(flow)
            .open()
            .map_err(|error| not_opened(name, &error))?;
        let (dtr, rts) = (line(settings, &DTR)?, line(settings, &RTS)?);
        // A pseudo terminal, and many an adapter, has no such lines.
        let _set = dtr.map(|level| port.write_data_terminal_ready(level));
        let _set = rts.map(|level| port.write_request_to_send(level));
        if is_guessed {
            guess_rate(name, port.as_mut())?;
        }
        Ok(Box::new(OpenUart {
            name: name.to_owned(),
            port,
            buffer: vec![0; READ_BYTES],
        }))
    }
}

/// The name that the adapter itself gives; else its numbers.
fn usb_name(usb: &UsbPortInfo) -> String {
    let numbers = || format!("USB {:04x}:{:04x}", usb.vid, usb.pid);
    let product = usb.product.clone().unwrap_or_else(numbers);
    match &usb.serial_number {
        Some(serial) => format!("{product}, {serial}"),
        None => product,
    }
}

/// The level that a line is to have; `None`: it is left alone.
fn line(settings: &Settings, field: &Field) -> Result<Option<bool>, LinkError> {
    Ok(match settings.checked(field)? {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    })
}

/// Sets the rate at which text comes. The board has to say something meanwhile.
fn guess_rate(name: &str, port: &mut dyn SerialPort) -> Result<(), LinkError> {
    let failed = |said: String| LinkError::Failed {
        what: name.to_owned(),
        said,
    };
    let mut has_come = false;
    for rate in RATES {
        let set = port
            .set_baud_rate(rate)
            .and_then(|()| port.clear(ClearBuffer::Input));
        set.map_err(|error| failed(error.to_string()))?;
        let bytes = heard(port, GUESS_TIME).map_err(|error| failed(error.to_string()))?;
        has_come |= !bytes.is_empty();
        if bytes.len() >= TELLING_BYTES && share_of_text(&bytes) >= IS_TEXT {
            return Ok(());
        }
    }
    let why = if has_come {
        "what comes is text at none of the usual rates: it may be binary, or at another rate. Say the rate"
    } else {
        "nothing came, so that the rate could not be guessed. Reset the board, or say the rate"
    };
    Err(LinkError::Setting {
        field: BAUD.id,
        why: why.to_owned(),
    })
}

/// What comes within a time.
fn heard(port: &mut dyn SerialPort, time: Duration) -> io::Result<Vec<u8>> {
    let until = Instant::now() + time;
    let (mut bytes, mut buffer) = (Vec::new(), [0; 1024]);
    while bytes.len() < GUESS_BYTES {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        port.set_timeout(left).map_err(io::Error::other)?;
        match port.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => bytes.extend_from_slice(buffer.get(..n).unwrap_or(&[])),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => break,
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

fn framing(words: &str) -> (DataBits, Parity, StopBits) {
    let data_bits = if words.starts_with('7') {
        DataBits::Seven
    } else {
        DataBits::Eight
    };
    let parity = match words.chars().nth(1) {
        Some('E') => Parity::Even,
        Some('O') => Parity::Odd,
        _ => Parity::None,
    };
    let stop_bits = if words.ends_with('2') {
        StopBits::Two
    } else {
        StopBits::One
    };
    (data_bits, parity, stop_bits)
}

/// True for a port that the system knows: Windows says alike of one that is in use and of one that is not there.
fn is_there(name: &str) -> bool {
    let ports = serialport::available_ports().unwrap_or_default();
    Path::new(name).exists() || ports.iter().any(|port| port.port_name == name)
}

fn not_opened(name: &str, error: &serialport::Error) -> LinkError {
    let what = name.to_owned();
    match error.kind() {
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => LinkError::NotAllowed {
            what,
            fix: if cfg!(target_os = "linux") {
                "add yourself to the group dialout (sudo usermod -aG dialout \"$USER\") and log in again".to_owned()
            } else {
                "ask whoever administers this computer".to_owned()
            },
        },
        ErrorKind::NoDevice if is_there(name) => LinkError::InUse {
            what,
            holder: holder(name),
        },
        ErrorKind::NoDevice | ErrorKind::Io(io::ErrorKind::NotFound) => {
            LinkError::NotThere { what }
        }
        _ => LinkError::Failed {
            what,
            said: error.to_string(),
        },
    }
}

/// The program that has a file open, where the system tells.
fn holder(name: &str) -> Option<String> {
    let wanted = std::fs::canonicalize(name).ok()?;
    for process in std::fs::read_dir("/proc").ok()?.flatten() {
        let Ok(files) = std::fs::read_dir(process.path().join("fd")) else {
            continue;
        };
        let has_it = |file: std::fs::DirEntry| {
            std::fs::read_link(file.path()).is_ok_and(|target| target == wanted)
        };
        if files.flatten().any(has_it) {
            let id = process.file_name().to_string_lossy().into_owned();
            let command = std::fs::read_to_string(process.path().join("comm")).ok();
            let command = command.unwrap_or_else(|| "a program".to_owned());
            return Some(format!("{} (process {id})", command.trim()));
        }
    }
    None
}

struct OpenUart {
    name: String,
    port: Box<dyn SerialPort>,
    buffer: Vec<u8>,
}

impl OpenUart {
    fn broken(&self, error: &io::Error) -> LinkError {
        let what = self.name.clone();
        let is_gone = matches!(
            error.kind(),
            io::ErrorKind::BrokenPipe | io::ErrorKind::NotConnected | io::ErrorKind::NotFound
        );
        if is_gone || !Path::new(&self.name).exists() && !cfg!(windows) {
            return LinkError::Gone { what };
        }
        LinkError::Failed {
            what,
            said: error.to_string(),
        }
    }
}

impl Link for OpenUart {
    fn receive(&mut self, wait: Duration, into: &mut Vec<u8>) -> Result<(), LinkError> {
        let failed = |error: serialport::Error| LinkError::Failed {
            what: self.name.clone(),
            said: error.to_string(),
        };
        self.port.set_timeout(wait).map_err(failed)?;
        match self.port.read(&mut self.buffer) {
            // A port without a device behind it reads as if it were at its end.
            Ok(0) => Err(self.broken(&io::ErrorKind::BrokenPipe.into())),
            Ok(n) => {
                into.extend_from_slice(self.buffer.get(..n).unwrap_or(&[]));
                Ok(())
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::TimedOut
                        | io::ErrorKind::Interrupted
                        | io::ErrorKind::WouldBlock
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(self.broken(&error)),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        let sent = self.port.write_all(bytes);
        sent.map_err(|error| self.broken(&error))
    }
}

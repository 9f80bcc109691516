//! The connection to a server: questions and answers, each in bounded time.

use super::packet::{Decoder, Sent, packet};
use crate::live::LinkError;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

/// A server is waited for so long.
const PATIENCE: Duration = Duration::from_millis(1500);
/// A packet is sent again this often.
const TRIES: usize = 3;
/// A server that does not say takes packets of this size (GDB's own default).
const PACKET_BYTES: usize = 400;

/// A connection.
pub(super) struct Client {
    name: String,
    stream: TcpStream,
    decoder: Decoder,
    acknowledges: bool,
    packet_bytes: usize,
    /// What the server said without being asked: stop replies and console output, in their order.
    unasked: Vec<Vec<u8>>,
}

impl Client {
    /// Connects to `host:port`.
    pub(super) fn connect(name: &str) -> Result<Self, LinkError> {
        let failed = |error: &std::io::Error| not_connected(name, error);
        let addresses = name
            .to_socket_addrs()
            .map_err(|_error| LinkError::Setting {
                field: "address",
                why: format!("{name} is no address; give HOST:PORT, as in localhost:1234"),
            })?;
        let mut last = std::io::Error::from(ErrorKind::ConnectionRefused);
        for address in addresses {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => {
                    stream.set_nodelay(true).map_err(|error| failed(&error))?;
                    stream
                        .set_write_timeout(Some(PATIENCE))
                        .map_err(|error| failed(&error))?;
                    return Ok(Self {
                        name: name.to_owned(),
                        stream,
                        decoder: Decoder::default(),
                        acknowledges: true,
                        packet_bytes: PACKET_BYTES,
                        unasked: Vec::new(),
                    });
                }
                Err(error) => last = error,
            }
        }
        Err(failed(&last))
    }

    /// Says what we understand, hears what the server does, and stops acknowledging where it lets us.
    pub(super) fn begin(&mut self) -> Result<Vec<String>, LinkError> {
        let answer = self.ask("qSupported:swbreak+;hwbreak+;xmlRegisters=arm,riscv,xtensa")?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let features: Vec<String> = answer.split(';').map(str::to_owned).collect();
        for feature in &features {
            if let Some(size) = feature.strip_prefix("PacketSize=")
                && let Ok(size) = usize::from_str_radix(size, 16)
            {
                self.packet_bytes = size.clamp(64, 64 << 10);
            }
        }
        if features.iter().any(|feature| feature == "QStartNoAckMode+")
            && self.ask("QStartNoAckMode")? == b"OK"
        {
            self.acknowledges = false;
        }
        Ok(features)
    }

    /// The most bytes of memory that fit into one answer.
    pub(super) fn memory_bytes(&self) -> usize {
        // Two digits a byte; `$`, `#` and the checksum may count as well.
        (self.packet_bytes - 8) / 2
    }

    /// Asks, and waits for the answer.
    pub(super) fn ask(&mut self, data: &str) -> Result<Vec<u8>, LinkError> {
        self.send_packet(data)?;
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = self.packet(until, data)?;
            if is_unasked(&answer) {
                self.unasked.push(answer);
            } else {
                return Ok(answer);
            }
        }
    }

    /// Asks for something that is answered with a stop reply, or makes it stop.
    pub(super) fn ask_for_stop(&mut self, data: &str) -> Result<Vec<u8>, LinkError> {
        self.send_packet(data)?;
        self.wait_for_stop(data)
    }

    /// Stops the processor; answers with the stop reply.
    pub(super) fn interrupt(&mut self) -> Result<Vec<u8>, LinkError> {
        // One that stopped by itself meanwhile has said so, or is about to: an interrupt of it is answered by nothing.
        self.send(&[0x03])?;
        self.wait_for_stop("a halt")
    }

    /// Lets the processor run: nothing is answered before it stops.
    pub(super) fn go_on(&mut self) -> Result<(), LinkError> {
        self.unasked.retain(|said| !is_stop(said));
        self.send_packet("c")
    }

    /// What the server said without being asked since the last time; waits for it at most so long.
    pub(super) fn hear(&mut self, wait: Duration) -> Result<Vec<Vec<u8>>, LinkError> {
        if self.unasked.is_empty()
            && let Some(packet) = self.packet_within(Instant::now() + wait)?
        {
            self.unasked.push(packet);
        }
        Ok(std::mem::take(&mut self.unasked))
    }

    /// Sends a packet whose answer nobody waits for.
    pub(super) fn say(&mut self, data: &str) -> Result<(), LinkError> {
        self.send(&packet(data.as_bytes()))
    }

    fn wait_for_stop(&mut self, asked: &str) -> Result<Vec<u8>, LinkError> {
        let until = Instant::now() + PATIENCE;
        if let Some(at) = self.unasked.iter().position(|said| is_stop(said)) {
            return Ok(self.unasked.remove(at));
        }
        loop {
            let answer = self.packet(until, asked)?;
            if is_stop(&answer) {
                return Ok(answer);
            }
            if is_unasked(&answer) {
                self.unasked.push(answer);
            }
        }
    }

    fn send_packet(&mut self, data: &str) -> Result<(), LinkError> {
        let bytes = packet(data.as_bytes());
        if !self.acknowledges {
            return self.send(&bytes);
        }
        for _ in 0..TRIES {
            self.send(&bytes)?;
            let until = Instant::now() + PATIENCE;
            loop {
                match self.sent(until)? {
                    Some(Sent::Ack) => return Ok(()),
                    Some(Sent::Nack) => break,
                    Some(Sent::Packet(said)) => {
                        self.send(b"+")?;
                        if is_unasked(&said) {
                            self.unasked.push(said);
                        }
                    }
                    Some(Sent::Damaged) => self.send(b"-")?,
                    None => return Err(self.silent(data)),
                }
            }
        }
        Err(LinkError::Failed {
            what: self.name.clone(),
            said: format!(
                "the GDB server refuses the packet {data} {TRIES} times: the line damages it, or it speaks another protocol"
            ),
        })
    }

    /// The next packet.
    fn packet(&mut self, until: Instant, asked: &str) -> Result<Vec<u8>, LinkError> {
        match self.packet_within(until)? {
            Some(packet) => Ok(packet),
            None => Err(self.silent(asked)),
        }
    }

    fn packet_within(&mut self, until: Instant) -> Result<Option<Vec<u8>>, LinkError> {
        loop {
            match self.sent(until)? {
                Some(Sent::Packet(data)) => {
                    if self.acknowledges {
                        self.send(b"+")?;
                    }
                    return Ok(Some(data));
                }
                Some(Sent::Damaged) => {
                    if !self.acknowledges {
                        return Err(LinkError::Failed {
                            what: self.name.clone(),
                            said: "the GDB server sent a packet with a wrong checksum".to_owned(),
                        });
                    }
                    self.send(b"-")?;
                }
                Some(Sent::Ack | Sent::Nack) => {}
                None => return Ok(None),
            }
        }
    }

    /// What the server sends next; `None` when nothing came in time.
    fn sent(&mut self, until: Instant) -> Result<Option<Sent>, LinkError> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(sent) = self.decoder.next() {
                return Ok(Some(sent));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let waits = self.stream.set_read_timeout(Some(left));
            waits.map_err(|error| self.broken(&error))?;
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    return Err(LinkError::Gone {
                        what: self.name.clone(),
                    });
                }
                Ok(n) => self.decoder.push(buffer.get(..n).unwrap_or(&[])),
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) => {}
                Err(error) => return Err(self.broken(&error)),
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        let sent = self.stream.write_all(bytes);
        sent.map_err(|error| self.broken(&error))
    }

    fn silent(&self, asked: &str) -> LinkError {
        LinkError::Silent {
            what: self.name.clone(),
            asked: asked.chars().take(40).collect(),
        }
    }

    fn broken(&self, error: &std::io::Error) -> LinkError {
        let what = self.name.clone();
        match error.kind() {
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
                LinkError::Gone { what }
            }
            _ => LinkError::Failed {
                what,
                said: error.to_string(),
            },
        }
    }
}

/// A stop reply: GDB manual, appendix E.3.
pub(super) fn is_stop(packet: &[u8]) -> bool {
    matches!(packet, [b'T' | b'S' | b'W' | b'X', a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
}

/// Output of the program or of a monitor command, as hex digits.
pub(super) fn is_output(packet: &[u8]) -> bool {
    matches!(packet, [b'O', rest @ ..] if rest != b"K" && !rest.is_empty())
}

fn is_unasked(packet: &[u8]) -> bool {
    is_stop(packet) || is_output(packet)
}

fn not_connected(name: &str, error: &std::io::Error) -> LinkError {
    match error.kind() {
        ErrorKind::ConnectionRefused => LinkError::NobodyListens {
            what: name.to_owned(),
        },
        ErrorKind::TimedOut | ErrorKind::WouldBlock => LinkError::Silent {
            what: name.to_owned(),
            asked: "a connection".to_owned(),
        },
        _ => LinkError::Failed {
            what: name.to_owned(),
            said: error.to_string(),
        },
    }
}

//! What is typed while `fieldscope monitor` listens: it goes to the UART, and where control is allowed, to the processor.

use crate::engine::live::{Observing, Order, Orders};
use std::io::{BufRead as _, Read as _, Write as _};

/// What begins a line that is an order.
const MARK: char = '!';

/// Where input goes to.
pub(super) struct Input {
    /// The first UART.
    pub(super) uart: Option<Orders>,
    /// The first processor, where it may be controlled.
    pub(super) processor: Option<Orders>,
    /// What is observed: its ELF files have the names of what is written.
    pub(super) observing: Observing,
}

/// Passes standard input on, by a thread that ends with the program.
pub(super) fn forward(input: Input) {
    let forward = move || match input {
        Input {
            processor: Some(processor),
            uart,
            observing,
        } => by_lines(&processor, uart.as_ref(), &observing),
        Input {
            uart: Some(uart), ..
        } => as_it_comes(&uart),
        _ => {}
    };
    let thread = std::thread::Builder::new().name("standard input".to_owned());
    // Without it the session listens all the same.
    let _is_started = thread.spawn(forward).is_ok();
}

fn as_it_comes(uart: &Orders) {
    let mut input = std::io::stdin().lock();
    let mut buffer = [0; 4096];
    while let Ok(n) = input.read(&mut buffer) {
        let bytes = buffer.get(..n).unwrap_or(&[]).to_vec();
        if n == 0 || !uart.give(Order::Send(bytes)) {
            return;
        }
    }
}

fn by_lines(processor: &Orders, uart: Option<&Orders>, observing: &Observing) {
    let mut line = Vec::new();
    let mut input = std::io::stdin().lock();
    while input.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
        let bytes = std::mem::take(&mut line);
        let text = String::from_utf8_lossy(&bytes);
        let given = match (text.strip_prefix(MARK), uart) {
            (Some(order), _) => match Order::of(order, &observing.elfs) {
                Ok(order) => processor.give(order),
                Err(why) => {
                    say(&format!("not done: {why}"));
                    true
                }
            },
            (None, Some(uart)) => uart.give(Order::Send(bytes)),
            (None, None) => {
                say("not sent: there is no UART; what is done to the board begins with !");
                true
            }
        };
        if !given {
            return;
        }
    }
}

fn say(what: &str) {
    // Nobody is left to tell when standard error is closed.
    let _closed = writeln!(std::io::stderr(), "fieldscope: {what}").is_err();
}

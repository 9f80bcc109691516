//! One small program: enums, options, slices, text, generics, closures, inlining, recursion, a panic or a fault at the end.
#![no_std]
#![no_main]
#![allow(dead_code, unused_variables, static_mut_refs, internal_features)]

extern crate alloc;

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::{Cell, RefCell};
use core::num::NonZeroU16;
use core::sync::atomic::{AtomicU32, Ordering};

unsafe extern "C" {
    fn observe(what: *const u8);
    fn unknown_number() -> u32;
    fn nowhere() -> u32;
}

#[inline(always)]
fn see<T: ?Sized>(what: &T) {
    unsafe { observe(what as *const T as *const u8) }
}

struct Bump;

static mut ARENA: [u64; 160] = [0; 160];
static USED: Counter = Counter(Cell::new(0));

struct Counter(Cell<usize>);
unsafe impl Sync for Counter {}

unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let words = layout.size().div_ceil(8);
        let at = USED.0.get();
        USED.0.set(at + words);
        unsafe { (&raw mut ARENA as *mut u64).add(at) as *mut u8 }
    }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static HEAP: Bump = Bump;

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    see(info);
    loop {
        #[cfg(target_arch = "arm")]
        unsafe {
            core::arch::asm!(".inst.n 0xde00", options(nomem, nostack))
        }
        #[cfg(target_arch = "riscv32")]
        unsafe {
            core::arch::asm!("unimp", options(nomem, nostack))
        }
    }
}

mod plant {
    pub mod state {
        use core::sync::atomic::AtomicU32;
        pub static TICKS: AtomicU32 = AtomicU32::new(41);
        pub static LIMITS: [i16; 3] = [-5, 0, 90];
        pub static NAME: &str = "north";
    }

    #[derive(Clone, Copy, PartialEq)]
    #[repr(u8)]
    pub enum Mode {
        Idle,
        Running = 3,
        Stopped,
    }

    #[derive(Clone, Copy)]
    pub struct Point {
        pub x: i16,
        pub y: i16,
    }

    pub struct Celsius(pub f32);
    pub struct Unit;
    pub struct Empty {}

    #[derive(Clone, Copy)]
    pub enum Command {
        Stop,
        Move(Point),
        Wait { millis: u32, again: bool },
        Name(&'static str),
    }

    pub struct Sensor<'a> {
        pub name: &'a str,
        pub mode: Mode,
        pub at: Point,
        pub next: Option<&'a Sensor<'a>>,
        pub gain: Option<f32>,
    }

    pub union Word {
        pub u: u32,
        pub f: f32,
    }
}

use plant::{Celsius, Command, Empty, Mode, Point, Sensor, Unit, Word};

trait Read {
    fn read(&self, channel: u32) -> i32;
}

struct Ring<T, const N: usize> {
    items: [T; N],
    head: usize,
}

impl<T: Copy, const N: usize> Ring<T, N> {
    #[inline(never)]
    fn last(&self, back: usize) -> T {
        let at = self.head + N - back;
        see(&at);
        self.items[at]
    }
}

#[inline(always)]
fn write_word(to: *mut u32, value: u32) {
    let doubled = value * 2;
    unsafe { core::ptr::write_volatile(to, doubled) }
}

#[inline(never)]
fn poke(place: u32, small: u8, letter: char, command: Command, mode: Mode) {
    let mark = small as u16 + 0x100;
    see(&mark);
    see(&command);
    finish(place, mark, letter);
    see(&mark);
}

#[cfg(crash = "fault")]
#[inline(never)]
fn finish(place: u32, mark: u16, letter: char) {
    write_word(place as *mut u32, mark as u32 + letter as u32);
    see(&mark);
}

#[cfg(crash = "bounds")]
#[inline(never)]
fn finish(place: u32, mark: u16, letter: char) {
    let ring = Ring { items: [3_u8, 4, 5], head: 5 };
    see(&ring);
    let found = ring.last(unsafe { unknown_number() } as usize - 2);
    see(&found);
}

#[cfg(crash = "unwrap")]
#[inline(never)]
fn finish(place: u32, mark: u16, letter: char) {
    let nothing: Option<NonZeroU16> = NonZeroU16::new(unsafe { unknown_number() } as u16 - 3);
    see(&nothing);
    see(&nothing.unwrap());
}

#[cfg(crash = "expect")]
#[inline(never)]
fn finish(place: u32, mark: u16, letter: char) {
    let wrong: Result<u8, Celsius> = if unsafe { unknown_number() } == 3 { Err(Celsius(1.5)) } else { Ok(1) };
    see(&wrong);
    see(&wrong.ok().expect("a valid reading of the sensor"));
}

#[cfg(crash = "explicit")]
#[inline(never)]
fn finish(place: u32, mark: u16, letter: char) {
    panic!("mark {mark:#x} is not allowed for {letter:?}");
}

#[cfg(crash = "overflow")]
#[inline(never)]
fn finish(place: u32, mark: u16, letter: char) {
    let big = u32::MAX - 2 + unsafe { unknown_number() };
    see(&big);
}

#[inline(never)]
fn store(temperature: Celsius, wide: i64, huge: i128, maybe: Option<u16>, name: &str, bytes: &[u8], pair: (i8, bool)) -> i32 {
    let result: Result<u32, &str> = if wide < 0 { Err("negative") } else { Ok(wide as u32) };
    let fine: Result<Point, ()> = Ok(Point { x: 5, y: -6 });
    let commands = [Command::Stop, Command::Move(Point { x: 1, y: -2 }), Command::Wait { millis: 250, again: true }, Command::Name("go")];
    let nothing: Option<NonZeroU16> = None;
    let something = NonZeroU16::new(9);
    let nested: Option<Option<bool>> = Some(None);
    let unit = Unit;
    let empty = Empty {};
    let tuple = (1_u8, 'é', 2.5_f64);
    let unsigned: u128 = u128::MAX - 1;
    let word = Word { f: 1.5 };
    let text = String::from("owned text");
    let list: Vec<i16> = Vec::from([1, -1, 300]);
    let boxed = Box::new(Point { x: 8, y: 9 });
    let shared = Rc::new(RefCell::new(77_u32));
    let raw: *const u8 = bytes.as_ptr();
    let fun: fn(i32) -> i32 = twice;
    let matrix = [[1_u8, 2], [3, 4], [5, 6]];
    let range = 3..7_usize;
    see(&result); see(&fine); see(&commands); see(&nothing); see(&something); see(&nested); see(&unit); see(&empty);
    see(&tuple); see(&unsigned); see(&word); see(&text); see(&list); see(&boxed); see(&shared); see(&raw); see(&fun);
    see(&matrix); see(&range); see(&huge); see(&pair); see(&name); see(&bytes); see(&maybe);
    poke(unsafe { nowhere() }, bytes[1], tuple.1, commands[2], Mode::Stopped);
    see(&temperature);
    temperature.0 as i32 + result.map_or(0, |n| n as i32) + list.len() as i32
}

#[inline(never)]
fn twice(value: i32) -> i32 {
    value * 2
}

impl Read for Sensor<'_> {
    #[inline(never)]
    fn read(&self, channel: u32) -> i32 {
        let offset = self.at.x;
        let scale = |value: i32| twice(value) + offset as i32;
        let local = [10_u8, 20, 30, 40];
        see(&local);
        see(&scale);
        let stored = store(Celsius(21.5), -5_000_000_000, -(1 << 100), Some(300), self.name, &local[1..], (-7, true));
        scale(stored)
    }
}

#[inline(never)]
fn walk(sensor: &Sensor<'_>, reader: &dyn Read, depth: u32) -> i32 {
    let square = depth * depth;
    see(&square);
    if depth == 0 {
        return reader.read(unsafe { unknown_number() }) + square as i32;
    }
    let next = sensor.next.unwrap_or(sensor);
    let sum = walk(next, reader, depth - 1) + square as i32;
    see(&sum);
    sum
}

/// Never called: the linker drops it, its debug information stays.
#[unsafe(no_mangle)]
pub extern "C" fn dropped_first(a: i32) -> i32 {
    a.wrapping_mul(3)
}

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    let first = Sensor { name: plant::state::NAME, mode: Mode::Running, at: Point { x: 3, y: -4 }, next: None, gain: Some(0.5) };
    let second = Sensor { name: "south", mode: Mode::Idle, at: Point { x: 0, y: 1 }, next: Some(&first), gain: None };
    let total = AtomicU32::new(7);
    see(&first);
    see(&second);
    plant::state::TICKS.store(42, Ordering::Relaxed);
    see(&plant::state::LIMITS);
    let answer = walk(&second, &first, 2);
    total.store(answer as u32, Ordering::Relaxed);
    loop {
        see(&total);
    }
}

//! A firmware that says everything that defmt can say: every type, every hint, nested, in slices, as flags.
#![no_std]
#![no_main]

mod level;
mod pump;

use cortex_m_rt::{entry, exception, ExceptionFrame};

const UART: *mut u32 = 0x4000_4000 as *mut u32;

fn put(byte: u8) {
    unsafe {
        while UART.add(1).read_volatile() & 1 != 0 {}
        UART.write_volatile(byte as u32);
    }
}

#[defmt::global_logger]
struct Uart;
static mut ENCODER: defmt::Encoder = defmt::Encoder::new();
static mut SECTION: critical_section::RestoreState = critical_section::RestoreState::invalid();

unsafe impl defmt::Logger for Uart {
    fn acquire() {
        unsafe {
            SECTION = critical_section::acquire();
            (*core::ptr::addr_of_mut!(ENCODER)).start_frame(|bytes| bytes.iter().for_each(|b| put(*b)));
        }
    }
    unsafe fn flush() {}
    unsafe fn release() {
        (*core::ptr::addr_of_mut!(ENCODER)).end_frame(|bytes| bytes.iter().for_each(|b| put(*b)));
        critical_section::release(SECTION);
    }
    unsafe fn write(bytes: &[u8]) {
        (*core::ptr::addr_of_mut!(ENCODER)).write(bytes, |bytes| bytes.iter().for_each(|b| put(*b)));
    }
}

static mut MICROS: u64 = 0;
defmt::timestamp!("{=u64:us}", unsafe {
    MICROS += 1250;
    MICROS
});

#[entry]
fn main() -> ! {
    unsafe {
        UART.add(4).write_volatile(16);
        UART.add(2).write_volatile(3);
    }
    defmt::info!("cistern {=str} starts, {=istr}", "0.3.1", defmt::intern!("reset by power"));
    numbers();
    texts();
    pump::run();
    level::run();
    defmt::println!("-- done --");
    defmt::error!("about to fault at {=u32:#x}", 0xF000_0000u32);
    unsafe { (0xF000_0000 as *mut u32).write_volatile(1) };
    loop {
        cortex_m::asm::wfi();
    }
}

#[inline(never)]
fn numbers() {
    defmt::trace!("{=u8} {=u16} {=u32} {=u64} {=u128}", 255, 65535, 4294967295, 18446744073709551615, 340282366920938463463374607431768211455);
    defmt::trace!("{=i8} {=i16} {=i32} {=i64} {=i128}", -128, -32768, -2147483648, i64::MIN, i128::MIN);
    defmt::trace!("{=usize} {=isize} {=bool} {=bool}", 7, -7, true, false);
    defmt::debug!("{=u8:x} {=u8:X} {=u8:#x} {=u8:#X} {=u8:08b} {=u8:#010b} {=u8:o} {=u8:#o} {=u16:06}", 171, 171, 171, 171, 5, 5, 8, 8, 42);
    defmt::debug!("{=i8:x} {=i16:#x} {=i32:X} {=i8:b} {=i8:o} {=i32:08}", -1, -2, -3, 5, 9, -42);
    defmt::debug!("{=f32} {=f32} {=f32} {=f32} {=f32} {=f32}", 0.0, -1.5, 1e10, 1e-10, 16777216.0, f32::NAN);
    defmt::debug!("{=f64} {=f64} {=f64} {=f64} {=f64}", 0.1, 1e300, -1e-7, f64::INFINITY, 123456789.125);
    defmt::debug!("{=u32:us} {=u32:ms} {=u64:tus} {=u64:tms} {=u32:ts} {=u64:iso8601ms} {=u64:iso8601s}", 1234567, 1234567, 90061000001, 90061001, 90061, 1700000000123, 1700000000);
    defmt::debug!("bits {0=0..4} {0=4..8:#x} {1=8..16:b} {1=0..8:08b} {2=40..52}", 0xA5u8, 0x1234u16, 0x0012_3456_789A_BCDEu64);
    defmt::debug!("text in bits {0=0..16:a} {0=16..32:a}", 0x4142_4344u32);
    defmt::debug!("again {1} {0} {1:?}", 1u8, "two");
    defmt::debug!("braces {{}} and {{{=u8}}}", 3);
}

#[inline(never)]
fn texts() {
    defmt::info!("{=char} {=char} {=str:?} {:?} {}", 'a', 'é', "quote \" tab \t", "two\nlines", "ünï");
    defmt::info!("{=[u8]} {=[u8]:x} {=[u8]:#04x} {=[u8]:a}", [1, 2, 255], [1, 2, 255], [1, 2, 255], *b"ok\r\n\xff\"\\");
    defmt::info!("{=[u8; 4]} {=[u8; 4]:02x} {=[u8; 3]:a}", [9, 8, 7, 6], [9, 8, 7, 6], *b"abc");
    defmt::info!("{} {:?} {:#x}", [1u16, 2, 3], [Some(1u8), None], [10u32, 11]);
    defmt::info!("{} {:a} {}", &[1u8, 2][..], &b"bytes"[..], &["a", "b"][..]);
    defmt::info!("{} {}", (1u8, "pair", 2.5f32), Some(Ok::<u8, ()>(3)));
    defmt::info!("{} {}", defmt::Debug2Format(&Some("made on the target")), defmt::Display2Format(&42u8));
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    defmt::error!("HardFault pc={=u32:#x} lr={=u32:#x}", frame.pc(), frame.lr());
    loop {
        cortex_m::asm::wfi();
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}

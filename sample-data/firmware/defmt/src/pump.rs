//! Enums, structures and flags, nested in each other.
use defmt::Format;

#[derive(Format, Clone, Copy)]
pub enum Drive {
    Off,
    Ramp { from: u16, to: u16 },
    On(u16),
}

#[derive(Format)]
struct Unit;

#[derive(Format)]
struct Pair(u64, bool);

#[derive(Format)]
struct Pump<'a> {
    name: &'a str,
    drive: Drive,
    last: Option<Drive>,
    history: [Drive; 3],
    raw: &'a [u8],
    unit: Unit,
    pair: Pair,
}

#[derive(Format)]
enum Only {
    Variant,
}

defmt::bitflags! {
    struct Alarm: u16 {
        const NONE = 0;
        const DRY = 1;
        const HOT = 1 << 1;
        const BOTH = 0b11;
        const LEAK = 1 << 8;
    }
}

struct Litres(u32);
impl Format for Litres {
    fn format(&self, f: defmt::Formatter) {
        defmt::write!(f, "{=u32}.{=u32:03} l", self.0 / 1000, self.0 % 1000)
    }
}

struct Twice(u8);
impl Format for Twice {
    fn format(&self, f: defmt::Formatter) {
        defmt::write!(f, "{=u8}", self.0);
        defmt::write!(f, "+{=u8:#x}", self.0);
    }
}

pub fn run() {
    let history = [Drive::Off, Drive::Ramp { from: 1, to: 300 }, Drive::On(99)];
    let pump = Pump { name: "main", drive: history[1], last: None, history, raw: &[1, 0x80, 0xff], unit: Unit, pair: Pair(1 << 40, true) };
    defmt::info!("{}", pump);
    defmt::info!("{:#x}", pump);
    defmt::warn!("{} {} {}", Alarm::empty(), Alarm::DRY | Alarm::LEAK, Alarm::BOTH);
    defmt::warn!("{} of {}, {}", Litres(12_345), &[Litres(1), Litres(2000)][..], Only::Variant);
    defmt::error!("{} {:?}", Twice(7), &[Some(Twice(1)), None][..]);
}

//! What a device says all day.

pub fn run() {
    for n in 0..40u32 {
        defmt::debug!("level {=u16} mm, flow {=f32} l/s", 1200 + (n * 7 % 90) as u16, n as f32 * 0.125);
        if n % 8 == 5 {
            defmt::warn!("sensor {=u8} answers late: {=u32:us} s", (n % 3) as u8, 12_000 + n * 31);
        }
    }
}

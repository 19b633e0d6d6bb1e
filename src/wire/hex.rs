//! Hexadecimal digits, eight at a time. Each reply's salt and tag are read so, and those of each request written.

const ONES: u64 = 0x0101_0101_0101_0101;
const LOW: u64 = 0x0f * ONES;

/// The number that eight lower-case digits make; `None` if one of them is none.
#[inline]
pub(super) fn decode(digits: [u8; 8]) -> Option<u32> {
    let text = u64::from_be_bytes(digits);
    // A letter has bit 6, and its low half counts from 1.
    let halves = (text & LOW) + 9 * ((text >> 6) & ONES);
    if halves & !LOW != 0 || digits_of(halves) != text {
        return None;
    }
    let bytes = (halves | halves >> 4) & 0x00ff_00ff_00ff_00ff;
    let pairs = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    Some((pairs | pairs >> 16) as u32)
}

/// The eight digits of four bytes.
#[inline]
pub(super) fn encode(bytes: [u8; 4]) -> [u8; 8] {
    let number = u64::from(u32::from_be_bytes(bytes));
    let pairs = (number | number << 16) & 0x0000_ffff_0000_ffff;
    let bytes = (pairs | pairs << 8) & 0x00ff_00ff_00ff_00ff;
    digits_of((bytes | bytes << 4) & LOW).to_be_bytes()
}

/// The digits for eight numbers below 16.
fn digits_of(halves: u64) -> u64 {
    let letters = ((halves + 6 * ONES) >> 4) & ONES;
    halves + 0x30 * ONES + 0x27 * letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_what_format_writes_and_are_read_again() {
        for number in (0..32).map(|bit| 1u32 << bit).chain([0, 0x0123_4567, 0x89ab_cdef, u32::MAX]) {
            let digits = encode(number.to_be_bytes());
            assert_eq!(std::str::from_utf8(&digits).unwrap(), format!("{number:08x}"));
            assert_eq!(decode(digits), Some(number));
        }
    }

    #[test]
    fn no_other_byte_is_a_digit_in_any_place() {
        for place in 0..8 {
            for byte in 0..=255u8 {
                let mut digits = *b"01239abf";
                digits[place] = byte;
                let is_digit = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                assert_eq!(decode(digits).is_some(), is_digit, "{byte:#x} in place {place}");
            }
        }
    }
}

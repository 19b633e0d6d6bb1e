//! Numbers as the C library reads them. What Rust has for it brings tables of its own, a fortieth of the whole library,
//! for one typed read of a reply.

use std::ffi::{CStr, c_char};
use std::ptr;

unsafe extern "C" {
    /// In every C library for Linux; `libc` does not name it there.
    fn strtod_l(text: *const c_char, end: *mut *mut c_char, locale: libc::locale_t) -> f64;
}

/// The double that is nearest to a number of JSON, infinite where it is larger than all; NaN if the system has no locale
/// whose point is a point, which nothing but want of memory can be a reason for.
pub(super) fn nearest(number: &CStr) -> f64 {
    // SAFETY: the name is a string, and there is no locale to change.
    let plain = unsafe { libc::newlocale(libc::LC_NUMERIC_MASK, c"C".as_ptr(), ptr::null_mut()) };
    if plain.is_null() {
        return f64::NAN;
    }
    // SAFETY: `number` ends with NUL, nobody asks where the number ends, and the locale lives until it is freed.
    unsafe {
        let nearest = strtod_l(number.as_ptr(), ptr::null_mut(), plain);
        libc::freelocale(plain);
        nearest
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn a_number_is_read_to_the_last_bit() {
        let mut random = SmallRng::seed_from_u64(1);
        for _ in 0..20_000 {
            let number = f64::from_bits(random.random());
            if number.is_finite() {
                let text = CString::new(format!("{number:e}")).unwrap();
                assert_eq!(nearest(&text).to_bits(), number.to_bits(), "{number:e}");
            }
        }
    }

    #[test]
    fn halves_go_to_the_even_one_however_many_digits_tell_them_apart() {
        // 2^53 + 1 lies between two doubles.
        assert_eq!(nearest(c"9007199254740993"), 9007199254740992.0);
        let above = CString::new(format!("9007199254740993.{}1", "0".repeat(2_000))).unwrap();
        assert_eq!(nearest(&above), 9007199254740994.0);
        assert_eq!((nearest(c"1e999"), nearest(c"-1e-999").to_bits()), (f64::INFINITY, (-0.0f64).to_bits()));
    }
}

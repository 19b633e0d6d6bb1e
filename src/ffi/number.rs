//! Numbers as the C library reads them. What Rust has for it brings tables of its own, a fortieth of the whole library,
//! for one typed read of a reply.

use std::ffi::{CStr, c_char};
use std::ptr;

unsafe extern "C" {
    /// In every C library for Linux; `libc` does not name it there.
    fn strtod_l(text: *const c_char, end: *mut *mut c_char, locale: libc::locale_t) -> f64;
}

/// The double that is nearest to a number of JSON by the rounding that the program has chosen, which is mostly that to
/// the nearest; infinite where it is larger than all. NaN if the system has no locale whose point is a point, which
/// nothing but want of memory can be a reason for.
pub(super) fn nearest(number: &CStr) -> f64 {
    // SAFETY: the name is a string, and there is no locale to change.
    let plain = unsafe { libc::newlocale(libc::LC_NUMERIC_MASK, c"C".as_ptr(), ptr::null_mut()) };
    if plain.is_null() {
        return f64::NAN;
    }
    // SAFETY: `number` ends with NUL, nobody asks where the number ends, the locale lives until it is freed, and errno is
    // this thread's own.
    let (nearest, out_of_range) = unsafe {
        let errno = libc::__errno_location();
        let before = errno.replace(0);
        let nearest = strtod_l(number.as_ptr(), ptr::null_mut(), plain);
        libc::freelocale(plain);
        (nearest, errno.replace(before) == libc::ERANGE)
    };
    // Where the program rounds towards zero, what is too large comes as the largest number.
    if out_of_range && nearest.abs() > 1.0 { f64::INFINITY.copysign(nearest) } else { nearest }
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

    #[test]
    fn what_is_too_large_is_infinite_however_the_program_rounds_and_errno_stays() {
        unsafe extern "C" {
            fn fesetround(mode: std::ffi::c_int) -> std::ffi::c_int;
        }
        let errno = || std::io::Error::last_os_error().raw_os_error();
        // SAFETY: it changes the rounding of this thread, back to the nearest at the end, and gives an error for a mode that
        // the processor does not have.
        let set = |mode| unsafe { fesetround(mode) };
        // Of x86, Arm and POWER: down, up and to zero have other numbers on each, and one of these is none of them.
        for mode in [0x400, 0x800, 0xc00, 0x400000, 0x800000, 0xc00000, 1, 2, 3] {
            // SAFETY: errno is this thread's own.
            unsafe { libc::__errno_location().write(libc::EBADF) };
            if set(mode) == 0 {
                let found = [nearest(c"1e999"), nearest(c"-1e400"), nearest(c"1e-999").abs()];
                set(0);
                assert_eq!(found[..2], [f64::INFINITY, f64::NEG_INFINITY], "{mode:x}");
                assert!(found[2] < f64::MIN_POSITIVE);
                assert_eq!(errno(), Some(libc::EBADF));
            }
        }
    }
}

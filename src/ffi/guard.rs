//! The one way into the library from C, and the checks of what comes with it.

use std::any::Any;
use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::error::{Code, Error, Result};
use crate::ffi::error::{confd_error, remember};

/// Runs the body of an exported function and gives its code. What follows a failure is made once for all functions,
/// for the library's size.
pub(crate) fn guard(run: impl FnOnce() -> Result<()>) -> confd_error {
    match caught(run) {
        Ok(()) => 0,
        Err(error) => failed(error),
    }
}

/// The same for a function that gives something else than a code: `otherwise` stands for every error.
pub(crate) fn guard_value<T>(otherwise: T, run: impl FnOnce() -> Result<T>) -> T {
    caught(run).unwrap_or_else(|error| {
        failed(error);
        otherwise
    })
}

fn caught<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    if !QUIET.is_completed() {
        quiet_panics();
    }
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(defect(panic)))
}

#[cold]
#[inline(never)]
fn failed(error: Error) -> confd_error {
    remember(error.detail());
    error.code() as confd_error
}

#[cold]
#[inline(never)]
fn defect(panic: Box<dyn Any + Send>) -> Error {
    Error::with(Code::Internal, format_args!("a defect in libconfdclient: {}", words_of(&*panic)))
}

static QUIET: Once = Once::new();

/// A library writes nothing to stderr, and the standard hook would. The hook belongs to this library's own copy of
/// the Rust runtime; the program has another, if it has one at all.
#[cold]
#[inline(never)]
fn quiet_panics() {
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown")
}

/// What a pointer points to; an error that names the argument if it is NULL.
///
/// # Safety
/// If not NULL, it points to a valid `T` that nobody changes during `'a`.
pub(super) unsafe fn required<'a, T>(pointer: *const T, what: &str) -> Result<&'a T> {
    // SAFETY: the caller promises that it is valid if it is not NULL.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(what))
}

/// The same to change it.
///
/// # Safety
/// If not NULL, it points to a valid `T` that nobody else uses during `'a`.
pub(super) unsafe fn required_mut<'a, T>(pointer: *mut T, what: &str) -> Result<&'a mut T> {
    // SAFETY: the caller promises that it is valid if it is not NULL.
    unsafe { pointer.as_mut() }.ok_or_else(|| null(what))
}

/// Checks the place for an output, which need not hold anything yet.
pub(super) fn output<T>(pointer: *mut T, what: &str) -> Result<Output<T>> {
    if pointer.is_null() { Err(null(what)) } else { Ok(Output(pointer)) }
}

/// A place that the caller has for an output. It is written last, and only on success.
pub(super) struct Output<T>(*mut T);

impl<T> Output<T> {
    /// # Safety
    /// The pointer that it was made from may be written to.
    pub(super) unsafe fn set(self, value: T) {
        // SAFETY: as the caller promises; what was there is not dropped, since it may be no `T` at all.
        unsafe { self.0.write(value) }
    }
}

/// A string of the program.
///
/// # Safety
/// If not NULL, it points to a NUL-terminated string that stays as it is during `'a`.
pub(super) unsafe fn text<'a>(pointer: *const c_char, what: &str) -> Result<&'a str> {
    // SAFETY: the caller promises a NUL-terminated string if it is not NULL.
    let text = unsafe { optional_text(pointer, what) }?;
    text.ok_or_else(|| null(what))
}

/// A string that may be NULL.
///
/// # Safety
/// As [`text`].
pub(super) unsafe fn optional_text<'a>(pointer: *const c_char, what: &str) -> Result<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: it is not NULL, and the caller promises a NUL-terminated string.
    let text = unsafe { CStr::from_ptr(pointer) };
    room(text.count_bytes())?;
    text.to_str().map(Some).map_err(|_| not_utf_8(what))
}

/// An array of the program; NULL with count 0 is the empty one.
///
/// # Safety
/// If not NULL, it points to `count` valid elements that stay as they are during `'a`.
pub(super) unsafe fn array<'a, T>(pointer: *const T, count: usize, what: &str) -> Result<&'a [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(null(what));
    }
    if count > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(too_many(count, what));
    }
    // SAFETY: it is not NULL, its size is in range, and the caller promises that many elements.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// An array of strings.
///
/// # Safety
/// As [`array`], and each of the elements as [`text`].
pub(super) unsafe fn texts<'a>(
    pointer: *const *const c_char,
    count: usize,
    what: &str,
) -> Result<Vec<&'a str>> {
    // SAFETY: the caller promises an array of strings.
    let pointers = unsafe { array(pointer, count, what) }?;
    let mut texts = Vec::new();
    texts.try_reserve_exact(count).map_err(|_| Error::no_memory(&"no memory for the list"))?;
    let mut bytes = 0;
    for (index, &pointer) in pointers.iter().enumerate() {
        // SAFETY: the caller promises that each element is a string.
        let text = unsafe { optional_text(pointer, what) };
        let text = text.map_err(|error| match error.code() {
            Code::InvalidArgument => {
                Error::new(Code::InvalidArgument, format!("{what}[{index}] is not UTF-8"))
            }
            _ => error,
        })?;
        let text = text.ok_or_else(|| null(&format!("{what}[{index}]")))?;
        bytes += text.len();
        texts.push(text);
    }
    room(bytes.saturating_add(count * PER_ELEMENT))?;
    Ok(texts)
}

/// What the library keeps of an element of a list beside its text, at the most.
const PER_ELEMENT: usize = 512;

/// How many bytes of memory one byte of the program's may come to on its way: escaped, in a buffer that has grown by
/// doubling, beside a copy.
const TIMES: usize = 20;

/// What is smaller is allocated as everything is, and lack of it ends the process.
const LARGE: usize = 1 << 16;

/// Whether there is memory for what is made of so many bytes of the program's: an error instead of the process's end
/// where it is their size that nothing can hold. It is asked for as one piece, and given back.
pub(super) fn room(bytes: usize) -> Result<()> {
    if bytes < LARGE {
        return Ok(());
    }
    let mut probe = Vec::<u8>::new();
    let had = probe.try_reserve_exact(bytes.saturating_mul(TIMES));
    // Seen, so that the allocation is made.
    std::hint::black_box(&mut probe);
    had.map_err(|_| Error::no_memory(&"no memory for an argument of this size"))
}

/// What a function that takes milliseconds means: `None` for no limit.
pub(super) fn milliseconds(ms: i32) -> Option<std::time::Duration> {
    u64::try_from(ms).ok().map(std::time::Duration::from_millis)
}

#[cold]
#[inline(never)]
fn null(what: &str) -> Error {
    Error::with(Code::InvalidArgument, format_args!("{what} is NULL"))
}

#[cold]
#[inline(never)]
fn not_utf_8(what: &str) -> Error {
    Error::with(Code::InvalidArgument, format_args!("{what} is not UTF-8"))
}

#[cold]
#[inline(never)]
fn too_many(count: usize, what: &str) -> Error {
    Error::with(Code::InvalidArgument, format_args!("{what} has {count} elements, which no memory holds"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::error::confd_last_error;

    #[test]
    fn a_panic_becomes_a_code_and_a_sentence() {
        assert_eq!(guard(|| panic!("number {}", 7)), Code::Internal as i32);
        // SAFETY: the pointer is valid until this thread's next call.
        let said = unsafe { CStr::from_ptr(confd_last_error()) }.to_str().unwrap();
        assert_eq!(said, "a defect in libconfdclient: number 7");
        assert_eq!(guard_value(-1, || panic!("again")), -1);
    }

    #[test]
    fn an_array_that_no_memory_holds_is_refused() {
        let one = 1u64;
        // SAFETY: the count is refused before anything is read.
        assert!(unsafe { array(&one, usize::MAX, "list") }.is_err());
        // SAFETY: NULL with count 0 is the empty list.
        assert!(unsafe { array::<u64>(std::ptr::null(), 0, "list") }.unwrap().is_empty());
    }
}

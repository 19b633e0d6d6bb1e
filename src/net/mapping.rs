//! A private, anonymous piece of memory straight from the kernel, all zeros, that costs nothing until it is touched.

use std::io;
use std::ptr::{self, NonNull};

/// Owns its pages and unmaps them when dropped.
pub(super) struct Mapping {
    start: NonNull<libc::c_void>,
    len: usize,
}

// SAFETY: it is plain memory that belongs to no thread, and its methods hand out only raw pointers.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps `len` bytes, readable and writable. `flags` are added to `MAP_PRIVATE | MAP_ANONYMOUS`.
    pub(super) fn new(len: usize, flags: libc::c_int) -> io::Result<Mapping> {
        let flags = flags | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a fresh anonymous mapping, at an address of the kernel's choice, disturbs no other memory.
        let start =
            unsafe { libc::mmap(ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        match NonNull::new(start) {
            Some(start) => Ok(Mapping { start, len }),
            None => Err(io::Error::other("mmap gave address 0")),
        }
    }

    /// `madvise` for the whole.
    ///
    /// # Safety
    /// The advice must not change the contents under somebody's reference.
    pub(super) unsafe fn advise(&self, advice: libc::c_int) -> io::Result<()> {
        // SAFETY: the range is this mapping's own; the caller vouches for the contents.
        super::check(unsafe { libc::madvise(self.start.as_ptr(), self.len, advice) }).map(drop)
    }

    /// The start, aligned to a page; `len` bytes may be used behind it.
    pub(super) fn start<T>(&self) -> NonNull<T> {
        self.start.cast()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range is this mapping's own, and whoever used it did so through a borrow or an owner of `self`.
        unsafe { libc::munmap(self.start.as_ptr(), self.len) };
    }
}

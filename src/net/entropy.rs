//! Random bytes that no two processes share, and a number that tells a process from its forked children. It knows
//! nothing of what either is used for.
//!
//! Both rest on one page of memory that the kernel empties in a child (`MADV_WIPEONFORK`), however the fork was made,
//! and at no cost for each call. So everything in the page must be right when it is zero: no generation yet, nobody
//! holds the lock, the pool is empty.

use std::io;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, compiler_fence};

use rand::TryRng;
use rand::rngs::SysRng;

use super::mapping::Mapping;

/// A number that stays the same in one process for ever and is another in a child after a fork, and in its children.
/// Never 0. Async-signal-safe; normally no system call.
#[inline]
pub fn generation() -> u64 {
    match page() {
        Some(page) => page.generation(),
        None => generation_by_pid(),
    }
}

/// 16 bytes from the system's random source, which no other call gets, in this process or in one forked at any time.
///
/// # Errors
/// The system's random source fails, as it may in a sandbox.
pub fn random_16() -> io::Result<[u8; 16]> {
    match page() {
        Some(page) => page.random_16(),
        None => direct_16(),
    }
}

/// A seed for a generator whose numbers need not be secret.
///
/// # Errors
/// As [`random_16`].
pub fn seed() -> io::Result<u64> {
    let [a, b, c, d, e, f, g, h, ..] = random_16()?;
    Ok(u64::from_ne_bytes([a, b, c, d, e, f, g, h]))
}

/// How many 8-byte words the pool holds: what is left of 4 KiB, an even number.
const POOL: usize = 510;

/// The page. All of it is atomic, as any thread may come to it; the pool belongs to who holds the lock.
#[repr(C)]
struct Page {
    generation: AtomicU64,
    /// 1 while a thread is at the pool. It lies in the page so that a child never finds it taken by a thread that it
    /// does not have.
    lock: AtomicU32,
    /// How many words of the pool, from its start, are unused.
    left: AtomicU32,
    pool: [AtomicU64; POOL],
}

const _: () = assert!(size_of::<Page>() == 4096);

/// The page of this process: null before its first use, [`NO_PAGE`] if there can be none. Not a `OnceLock`: a fork in
/// the midst of its initialisation would leave the child waiting for ever.
static PAGE: AtomicPtr<Page> = AtomicPtr::new(ptr::null_mut());

/// Stands for "this kernel does not empty pages".
const NO_PAGE: *mut Page = ptr::without_provenance_mut(1);

/// The last generation that was given out. A child goes on counting from its parent's.
static LAST_GENERATION: AtomicU64 = AtomicU64::new(0);

fn page() -> Option<&'static Page> {
    let mut page = PAGE.load(Ordering::Acquire);
    if page.is_null() {
        page = make_page();
    }
    // SAFETY: what is neither null nor NO_PAGE is a mapped page, which is never unmapped.
    if page == NO_PAGE { None } else { Some(unsafe { &*page }) }
}

#[cold]
fn make_page() -> *mut Page {
    let mapping = Page::map().ok();
    let mine = mapping.as_ref().map_or(NO_PAGE, |mapping| mapping.start().as_ptr());
    match PAGE.compare_exchange(ptr::null_mut(), mine, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {
            std::mem::forget(mapping);
            mine
        }
        // Another thread was faster; this one's page goes.
        Err(theirs) => theirs,
    }
}

impl Page {
    /// A page that is emptied in children.
    fn map() -> io::Result<Mapping> {
        let mapping = Mapping::new(size_of::<Page>(), 0)?;
        // SAFETY: the advice acts in children only, where nothing but this module's atomics refers to the page.
        unsafe {
            mapping.advise(libc::MADV_WIPEONFORK)?;
            // Some emulators say yes to any advice and heed none. They must say no to one that does not exist.
            if mapping.advise(-1).is_ok() {
                return Err(io::Error::from(io::ErrorKind::Unsupported));
            }
        }
        Ok(mapping)
    }

    fn generation(&self) -> u64 {
        match self.generation.load(Ordering::Acquire) {
            0 => self.new_generation(),
            known => known,
        }
    }

    #[cold]
    fn new_generation(&self) -> u64 {
        // Counted before it is published: whatever a child inherits, it counts on from there.
        let new = LAST_GENERATION.fetch_add(1, Ordering::AcqRel) + 1;
        self.generation
            .compare_exchange(0, new, Ordering::AcqRel, Ordering::Acquire)
            .map_or_else(|theirs| theirs, |_| new)
    }

    fn random_16(&self) -> io::Result<[u8; 16]> {
        match self.draw()? {
            Some(bytes) => Ok(bytes),
            None => direct_16(),
        }
    }

    /// 16 bytes from the pool; `None` if another thread is at it, or it turned out to be wiped.
    ///
    /// A signal handler may fork in the midst of this. Then the child comes back here, to an empty page: what it has
    /// read so far is the parent's too, and what it reads now is zeros.
    fn draw(&self) -> io::Result<Option<[u8; 16]>> {
        // No thread waits here: a handler that interrupted the holder would wait for ever.
        if self.lock.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return Ok(None);
        }
        let drawn = self.draw_locked();
        // All of the above is done before the lock is looked at again, also as a signal handler of this thread sees it.
        compiler_fence(Ordering::SeqCst);
        let still_held = self.lock.swap(0, Ordering::Release) == 1;
        Ok(drawn?.filter(|_| still_held))
    }

    fn draw_locked(&self) -> io::Result<Option<[u8; 16]>> {
        let mut left = self.left.load(Ordering::Relaxed) as usize;
        if left < 2 {
            self.fill()?;
            left = POOL;
        }
        let mut words = [0; 2];
        for word in &mut words {
            left -= 1;
            let Some(cell) = self.pool.get(left) else { return Ok(None) };
            // Used words are wiped: memory that leaks later tells nothing about what was given out.
            *word = cell.load(Ordering::Relaxed);
            cell.store(0, Ordering::Relaxed);
        }
        if words.contains(&0) {
            // A count without a pool. (Once in 2^63 draws it is chance, and does no harm.)
            self.left.store(0, Ordering::Relaxed);
            return Ok(None);
        }
        self.left.store(left as u32, Ordering::Relaxed);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&words[0].to_ne_bytes());
        bytes[8..].copy_from_slice(&words[1].to_ne_bytes());
        Ok(Some(bytes))
    }

    /// Fills the pool. The count is the caller's to write.
    fn fill(&self) -> io::Result<()> {
        let start = self.pool.as_ptr().cast::<u8>().cast_mut();
        // SAFETY: the pool is this many bytes of atomics, so writing through a shared reference is allowed, and whoever
        // holds the lock is alone with it. Any bytes are a value.
        let bytes = unsafe { std::slice::from_raw_parts_mut(start, POOL * size_of::<u64>()) };
        from_system(bytes)
    }
}

fn direct_16() -> io::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    from_system(&mut bytes)?;
    Ok(bytes)
}

fn from_system(bytes: &mut [u8]) -> io::Result<()> {
    SysRng.try_fill_bytes(bytes).map_err(|error| match error.raw_os_error() {
        Some(errno) => io::Error::from_raw_os_error(errno),
        None => io::Error::other(error.to_string()),
    })
}

/// Where there is no page: the process id, and with it a count of the processes in this line that asked, since ids come
/// around again. A system call each time.
fn generation_by_pid() -> u64 {
    static CURRENT: AtomicU64 = AtomicU64::new(0);
    let pid = u64::from(std::process::id()) << 32;
    let mut current = CURRENT.load(Ordering::Acquire);
    while current >> 32 != pid >> 32 {
        let new = pid | ((current + 1) & 0xffff_ffff);
        match CURRENT.compare_exchange(current, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return new,
            Err(theirs) => current = theirs,
        }
    }
    current
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::FromRawFd;
    use std::sync::atomic::AtomicBool;

    /// Runs `work` in a forked child and gives what it wrote. The child does only what is async-signal-safe.
    fn in_child<const N: usize>(work: impl FnOnce() -> [u64; N]) -> [u64; N] {
        let mut ends = [0; 2];
        // SAFETY: room for two descriptors.
        assert_eq!(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }, 0);
        // SAFETY: the child allocates nothing, takes no lock, and leaves by `_exit`.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            let words = work();
            // SAFETY: `words` is readable, and `_exit` does not return.
            unsafe {
                libc::write(ends[1], words.as_ptr().cast(), size_of_val(&words));
                libc::_exit(0);
            }
        }
        assert!(pid > 0);
        // SAFETY: the write end is this function's and closed once; the read end gets one owner.
        let mut pipe = unsafe {
            libc::close(ends[1]);
            File::from_raw_fd(ends[0])
        };
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        // SAFETY: the child is this function's own; its status is not asked for.
        assert_eq!(unsafe { libc::waitpid(pid, ptr::null_mut(), 0) }, pid);
        let mut words = bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap()));
        [(); N].map(|()| words.next().expect("the child failed"))
    }

    /// A random block as two words; zeros where there is an error, which no test takes for random.
    fn words(bytes: io::Result<[u8; 16]>) -> [u64; 2] {
        let bytes = u128::from_ne_bytes(bytes.unwrap_or_default());
        [bytes as u64, (bytes >> 64) as u64]
    }

    #[test]
    fn a_generation_lasts_as_long_as_its_process_and_a_child_and_its_child_have_their_own() {
        for generation in [generation as fn() -> u64, generation_by_pid] {
            let mine = generation();
            assert_ne!(mine, 0);
            assert_eq!(generation(), mine);
            let [child, again, grandchild] = in_child(|| {
                let child = generation();
                // SAFETY: as in `in_child`; the grandchild's number comes back as its pipe's only word.
                let [grandchild] = unsafe { raw_child(generation) };
                [child, generation(), grandchild]
            });
            assert_eq!(child, again);
            assert!(HashSet::from([0, mine, child, grandchild]).len() == 4, "{mine} {child} {grandchild}");
            assert_eq!(generation(), mine);
        }
    }

    /// `in_child` for use in a child: without memory from the heap.
    ///
    /// # Safety
    /// `work` is async-signal-safe.
    unsafe fn raw_child(work: fn() -> u64) -> [u64; 1] {
        let (mut ends, mut word) = ([0; 2], [0u64; 1]);
        // SAFETY: the buffers have the lengths that are told; the child leaves by `_exit`.
        unsafe {
            libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC);
            let pid = libc::fork();
            if pid == 0 {
                word[0] = work();
                libc::write(ends[1], word.as_ptr().cast(), 8);
                libc::_exit(0);
            }
            libc::read(ends[0], word.as_mut_ptr().cast(), 8);
            libc::waitpid(pid, ptr::null_mut(), 0);
        }
        word
    }

    #[test]
    fn no_two_blocks_are_alike_over_many_refills() {
        let seen: HashSet<_> = (0..2000).map(|_| random_16().unwrap()).collect();
        assert_eq!(seen.len(), 2000);
        assert!(!seen.contains(&[0; 16]));
        assert_ne!(seed().unwrap(), seed().unwrap());
    }

    #[test]
    fn a_child_gets_no_byte_that_the_parent_has_or_will_get() {
        let before: Vec<_> = (0..3).flat_map(|_| words(random_16())).collect();
        let child: [[u64; 20]; 2] = [(); 2].map(|()| {
            in_child(|| {
                let mut all = [0; 20];
                for pair in all.chunks_exact_mut(2) {
                    pair.copy_from_slice(&words(random_16()));
                }
                all
            })
        });
        let after: Vec<_> = (0..300).flat_map(|_| words(random_16())).collect();
        let all: HashSet<_> = before.iter().chain(child.as_flattened()).chain(&after).collect();
        assert_eq!(all.len(), 6 + 40 + 600);
        assert!(!all.contains(&0));
    }

    #[test]
    fn forks_amid_threads_that_draw_share_nothing_either() {
        let stop = AtomicBool::new(false);
        let mut all: Vec<u64> = Vec::new();
        std::thread::scope(|scope| {
            let threads = [(); 3].map(|()| {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    while !stop.load(Ordering::Relaxed) && mine.len() < 500_000 {
                        mine.extend(words(random_16()));
                    }
                    mine
                })
            });
            for _ in 0..50 {
                all.extend(in_child(|| {
                    let ([a, b], [c, d]) = (words(random_16()), words(random_16()));
                    [a, b, c, d]
                }));
            }
            stop.store(true, Ordering::Relaxed);
            all.extend(threads.into_iter().flat_map(|thread| thread.join().unwrap()));
        });
        let distinct: HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert!(!distinct.contains(&0));
    }

    #[test]
    fn in_a_child_the_lock_is_free_and_the_pool_empty() {
        let mapping = Page::map().unwrap();
        // SAFETY: a page of zeros, which lives as long as the mapping.
        let page = unsafe { mapping.start::<Page>().as_ref() };
        let [a, b] = words(page.random_16());
        page.lock.store(1, Ordering::Relaxed);
        let [lock, left, pool, c, d] = in_child(|| {
            let (lock, left) = (page.lock.load(Ordering::Relaxed), page.left.load(Ordering::Relaxed));
            let pool = page.pool.iter().fold(0, |sum, word| sum | word.load(Ordering::Relaxed));
            let [c, d] = words(page.random_16());
            [lock.into(), left.into(), pool, c, d]
        });
        assert_eq!((lock, left, pool), (0, 0, 0));
        assert_eq!(HashSet::from([a, b, c, d, 0]).len(), 5);
        assert_eq!(page.lock.load(Ordering::Relaxed), 1);
    }

    /// As after a fork in a signal handler that interrupted a draw.
    #[test]
    fn a_pool_that_is_wiped_under_its_count_gives_no_zeros() {
        let mapping = Page::map().unwrap();
        // SAFETY: a page of zeros, which lives as long as the mapping.
        let page = unsafe { mapping.start::<Page>().as_ref() };
        page.left.store(100, Ordering::Relaxed);
        let all: HashSet<_> = (0..600).flat_map(|_| words(page.random_16())).collect();
        assert_eq!(all.len(), 1200);
        assert!(!all.contains(&0));
        page.pool[page.left.load(Ordering::Relaxed) as usize - 1].store(0, Ordering::Relaxed);
        assert!(!words(page.random_16()).contains(&0));
    }

    #[test]
    fn while_the_pool_is_taken_bytes_come_from_the_system() {
        let mapping = Page::map().unwrap();
        // SAFETY: a page of zeros, which lives as long as the mapping.
        let page = unsafe { mapping.start::<Page>().as_ref() };
        page.lock.store(1, Ordering::Relaxed);
        assert_ne!(words(page.random_16()), words(page.random_16()));
        assert_eq!(page.left.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn used_bytes_are_wiped() {
        let mapping = Page::map().unwrap();
        // SAFETY: a page of zeros, which lives as long as the mapping.
        let page = unsafe { mapping.start::<Page>().as_ref() };
        for _ in 0..10 {
            page.random_16().unwrap();
        }
        let left = page.left.load(Ordering::Relaxed) as usize;
        assert_eq!(left, POOL - 20);
        assert!(page.pool[left..].iter().all(|word| word.load(Ordering::Relaxed) == 0));
        assert!(page.pool[..left].iter().all(|word| word.load(Ordering::Relaxed) != 0));
    }
}

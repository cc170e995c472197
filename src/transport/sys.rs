//! The libc calls that no safe library makes: waiting, vectored sends without SIGPIPE, reads into memory that isn't
//! initialised yet, descriptors that are closed once, the page that a fork wipes, signal masks, the eventfd of a
//! cancellation token.
#![allow(unsafe_code)]

#[cfg(all(test, shuttle))]
mod schedules;

use super::sync::atomic::AtomicI32;
use hyper::rt::ReadBufCursor;
use once_cell::race::OnceBox;
use std::io::{self, IoSlice};
use std::marker::PhantomData;
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::process;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Whose rights this process acts with.
pub fn effective_user() -> u32 {
    // SAFETY: geteuid takes nothing and never fails.
    unsafe { libc::geteuid() }
}

/// Waits until a descriptor is ready or the time is over; `None` is no limit. Says whether a signal ended it early.
pub fn poll(descriptors: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<bool> {
    let timeout = timeout.map(|timeout| libc::timespec {
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    let count = descriptors.len() as libc::nfds_t;
    // SAFETY: pointer and length are those of the slice; the time is NULL or a live value; no mask is given.
    let ready = unsafe { libc::ppoll(descriptors.as_mut_ptr(), count, timeout, ptr::null()) };
    if ready >= 0 {
        return Ok(false);
    }
    let error = io::Error::last_os_error();
    // Whatever stands in `revents` is not to be believed.
    descriptors.iter_mut().for_each(|descriptor| descriptor.revents = 0);
    if error.kind() == io::ErrorKind::Interrupted { Ok(true) } else { Err(error) }
}

/// Sends a part of the buffers on a socket and says how much. Raises no SIGPIPE.
pub fn send(socket: BorrowedFd<'_>, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
    // SAFETY: all zero is an empty message; an IoSlice is laid out as an iovec, and is only read.
    let message = unsafe {
        let mut message: libc::msghdr = mem::zeroed();
        message.msg_iov = buffers.as_ptr().cast::<libc::iovec>().cast_mut();
        message.msg_iovlen = buffers.len().min(MOST_BUFFERS) as _;
        message
    };
    loop {
        // SAFETY: the message and what it points to live on.
        let count = unsafe { libc::sendmsg(socket.as_raw_fd(), &message, libc::MSG_NOSIGNAL) };
        if let Some(result) = result_of(count) {
            return result;
        }
    }
}

/// The kernel refuses more at once.
const MOST_BUFFERS: usize = 1024;

/// Receives into a buffer that may not be initialised.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut ReadBufCursor<'_>) -> io::Result<usize> {
    loop {
        // SAFETY: recv only writes, at most as much as there is room; what it wrote is initialised.
        let count = unsafe {
            let room = buffer.as_mut();
            let count = libc::recv(socket.as_raw_fd(), room.as_mut_ptr().cast(), room.len(), 0);
            buffer.advance(usize::try_from(count).unwrap_or(0));
            count
        };
        if let Some(result) = result_of(count) {
            return result;
        }
    }
}

/// `None`: a signal came, try again.
fn result_of(count: libc::ssize_t) -> Option<io::Result<usize>> {
    if let Ok(count) = usize::try_from(count) {
        return Some(Ok(count));
    }
    let error = io::Error::last_os_error();
    if error.kind() == io::ErrorKind::Interrupted { None } else { Some(Err(error)) }
}

/// A descriptor that is closed exactly once: by whoever drops it, or in a forked child by [`Descriptors::close_all`].
#[derive(Debug)]
pub struct Descriptor {
    descriptor: RawFd,
    slot: &'static Slot,
    /// The one that opened it.
    process: u64,
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: it stays open while this lives, for only a forked child closes it earlier, where it isn't used.
        unsafe { BorrowedFd::borrow_raw(self.descriptor) }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if self.process == process_token() { self.slot.close() } else { self.slot.close_inherited() }
    }
}

const EMPTY: i32 = -1;
/// Taken, and not filled in yet.
const TAKEN: i32 = -2;

/// A socket that is open, or none.
#[derive(Debug)]
struct Slot {
    descriptor: AtomicI32,
    /// The number of the socket itself; 0 where it isn't known.
    socket: AtomicU64,
}

impl Slot {
    fn close(&self) {
        // Taken out before it is closed: a fork in between leaves it open in the child.
        let descriptor = self.descriptor.swap(EMPTY, Ordering::SeqCst);
        if descriptor != EMPTY {
            // SAFETY: a slot holds a descriptor of ours, and whoever takes it out is the only one to close it.
            drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
        }
    }

    /// A fork copies descriptors before memory: what another thread opened in between isn't open in the child, where
    /// the number may be another file's by now.
    fn close_inherited(&self) {
        match self.descriptor.load(Ordering::SeqCst) {
            EMPTY => {}
            open if open >= 0 && socket_number(open) == Some(self.socket.load(Ordering::SeqCst)) => self.close(),
            _ => self.descriptor.store(EMPTY, Ordering::SeqCst),
        }
    }
}

/// What tells a socket from all others, whatever its descriptor. `None` for a file, and for what isn't open.
fn socket_number(descriptor: RawFd) -> Option<u64> {
    let mut found = MaybeUninit::<libc::stat64>::uninit();
    // SAFETY: it fills a whole value, or fails, as for a descriptor that isn't open.
    if unsafe { libc::fstat64(descriptor, found.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: it was filled.
    let found = unsafe { found.assume_init() };
    (found.st_mode & libc::S_IFMT == libc::S_IFSOCK).then_some(found.st_ino)
}

/// The descriptors of one process, kept where a forked child finds them without a lock.
pub struct Descriptors {
    slots: [Slot; 64],
    next: OnceBox<Descriptors>,
}

impl Default for Descriptors {
    fn default() -> Descriptors {
        Descriptors::new()
    }
}

impl Descriptors {
    pub const fn new() -> Descriptors {
        let slots = [const { Slot { descriptor: AtomicI32::new(EMPTY), socket: AtomicU64::new(0) } }; 64];
        Descriptors { slots, next: OnceBox::new() }
    }

    pub fn add(&'static self, descriptor: OwnedFd) -> Descriptor {
        let raw = descriptor.as_raw_fd();
        let (number, process) = (socket_number(raw).unwrap_or(0), process_token());
        let is_free = |slot: &Slot| slot.descriptor.load(Ordering::Relaxed) == EMPTY;
        let take =
            |slot: &Slot| slot.descriptor.compare_exchange(EMPTY, TAKEN, Ordering::SeqCst, Ordering::Relaxed).is_ok();
        let mut block = self;
        loop {
            if let Some(slot) = block.slots.iter().find(|slot| is_free(slot) && take(slot)) {
                // In this order: a child that finds the descriptor knows its socket.
                slot.socket.store(number, Ordering::SeqCst);
                slot.descriptor.store(raw, Ordering::SeqCst);
                return Descriptor { descriptor: descriptor.into_raw_fd(), slot, process };
            }
            block = block.next.get_or_init(|| Box::new(Descriptors::new()));
        }
    }

    /// In a forked child: closes what it inherited of its parent's. Nothing is sent or shut down.
    pub fn close_all(&self) {
        let blocks = std::iter::successors(Some(self), |block| block.next.get());
        blocks.flat_map(|block| &block.slots).for_each(Slot::close_inherited);
    }
}

/// A number that tells this process from its parent and its children: of a page that a fork wipes.
pub fn process_token() -> u64 {
    static PAGE: OnceBox<Option<&'static AtomicU64>> = OnceBox::new();
    static LAST: AtomicU64 = AtomicU64::new(0);
    match PAGE.get_or_init(|| Box::new(page_wiped_on_fork())) {
        Some(token) => match token.load(Ordering::Acquire) {
            0 => {
                let new = LAST.fetch_add(1, Ordering::Relaxed) + 1;
                // Another thread may have been first.
                token.compare_exchange(0, new, Ordering::AcqRel, Ordering::Acquire).map_or_else(|seen| seen, |_| new)
            }
            known => known,
        },
        // Where the kernel doesn't know the advice.
        None => process::id().into(),
    }
}

fn page_wiped_on_fork() -> Option<&'static AtomicU64> {
    const LENGTH: usize = 4096;
    // SAFETY: a new anonymous mapping, zeroed, aligned to a page and never unmapped where it is handed out; whole pages
    // are wiped, of which nothing else has a part.
    unsafe {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let page = libc::mmap(ptr::null_mut(), LENGTH, protection, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0);
        if page == libc::MAP_FAILED {
            return None;
        }
        if libc::madvise(page, LENGTH, libc::MADV_WIPEONFORK) != 0 {
            libc::munmap(page, LENGTH);
            return None;
        }
        Some(&*page.cast::<AtomicU64>())
    }
}

/// While it lives, a write to a pipe that nobody reads raises no SIGPIPE on this thread; what was raised is taken and
/// the mask is put back. For files alone: sockets have MSG_NOSIGNAL.
pub struct SigpipeGuard {
    before: libc::sigset_t,
    /// One was pending before us: it is the host's, so none is swallowed.
    was_pending: bool,
    /// The mask belongs to a thread.
    not_send: PhantomData<*const ()>,
}

impl SigpipeGuard {
    pub fn block() -> SigpipeGuard {
        let before = change_mask(libc::SIG_BLOCK, &sigpipe());
        // SAFETY: sigismember only reads the initialised set.
        let was_blocked = unsafe { libc::sigismember(&before, libc::SIGPIPE) } == 1;
        SigpipeGuard { before, was_pending: was_blocked && sigpipe_is_pending(), not_send: PhantomData }
    }
}

impl Drop for SigpipeGuard {
    fn drop(&mut self) {
        if !self.was_pending {
            let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            // SAFETY: both pointers are to live values; a NULL siginfo is allowed. It takes a pending one or fails.
            unsafe { libc::sigtimedwait(&sigpipe(), ptr::null_mut(), &at_once) };
        }
        change_mask(libc::SIG_SETMASK, &self.before);
    }
}

/// Runs `f`, which starts a thread, so that the new thread handles no signal of the host's: it inherits a mask that
/// lets only those of a fault or a profiler through.
pub fn starting_a_thread<R>(f: impl FnOnce() -> R) -> R {
    let faults = [
        libc::SIGSEGV,
        libc::SIGBUS,
        libc::SIGFPE,
        libc::SIGILL,
        libc::SIGTRAP,
        libc::SIGSYS,
        libc::SIGABRT,
        libc::SIGPROF,
    ];
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigfillset initialises the set, sigdelset takes valid signal numbers out of it.
    let set = unsafe {
        libc::sigfillset(set.as_mut_ptr());
        for signal in faults {
            libc::sigdelset(set.as_mut_ptr(), signal);
        }
        set.assume_init()
    };
    struct Restore(libc::sigset_t);
    impl Drop for Restore {
        fn drop(&mut self) {
            change_mask(libc::SIG_SETMASK, &self.0);
        }
    }
    let _restore = Restore(change_mask(libc::SIG_SETMASK, &set));
    f()
}

fn sigpipe() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the set.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
        set.assume_init()
    }
}

fn sigpipe_is_pending() -> bool {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigpending fills the set; it is read only when that succeeded.
    unsafe { libc::sigpending(set.as_mut_ptr()) == 0 && libc::sigismember(set.as_ptr(), libc::SIGPIPE) == 1 }
}

/// Returns the mask as it was.
fn change_mask(how: libc::c_int, set: &libc::sigset_t) -> libc::sigset_t {
    let mut before = MaybeUninit::zeroed();
    // SAFETY: both sets are live; the old mask is all zero (a valid empty set) if the call should fail.
    unsafe {
        libc::pthread_sigmask(how, set, before.as_mut_ptr());
        before.assume_init()
    }
}

/// A descriptor that becomes readable when it is notified, from anywhere, also from a signal handler.
#[derive(Debug)]
pub struct EventFd(OwnedFd);

impl EventFd {
    pub fn new() -> io::Result<EventFd> {
        // SAFETY: no pointers are involved.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and ours alone.
        Ok(EventFd(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Async-signal-safe: `write` alone, and errno as it was.
    pub fn notify(&self) {
        let one = 1u64;
        // SAFETY: errno is this thread's; write reads 8 bytes of a live value, as often as a signal interrupts it.
        unsafe {
            let errno = libc::__errno_location();
            let before = *errno;
            while libc::write(self.0.as_raw_fd(), ptr::from_ref(&one).cast(), size_of::<u64>()) < 0
                && *errno == libc::EINTR
            {}
            *errno = before;
        }
    }

    /// Makes it unreadable again.
    pub fn clear(&self) {
        let mut count = 0u64;
        // SAFETY: read fills 8 bytes of a live value; the descriptor doesn't block.
        unsafe { libc::read(self.0.as_raw_fd(), ptr::from_mut(&mut count).cast(), size_of::<u64>()) };
    }
}

impl AsRawFd for EventFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::net::UdpSocket;

    fn is_open(descriptor: RawFd) -> bool {
        // SAFETY: it reads a flag, and fails for a descriptor that isn't open.
        unsafe { libc::fcntl(descriptor, libc::F_GETFD) != -1 }
    }

    /// A fork copies the table of descriptors before it copies memory. What another thread opens in between has a slot
    /// in the child without being open there, and the child may then open something else by that number.
    #[test]
    fn a_child_closes_only_what_is_its_parents() {
        let descriptors: &'static Descriptors = Box::leak(Box::default());
        let socket = || UdpSocket::bind("127.0.0.1:0").unwrap();
        let kept = descriptors.add(socket().into());
        let replaced = descriptors.add(socket().into());
        let (kept, replaced) = (mem::ManuallyDrop::new(kept), mem::ManuallyDrop::new(replaced));
        let (number, file) = (socket_number(kept.descriptor), File::open("/dev/null").unwrap());
        // SAFETY: nothing uses the socket that it closes.
        assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), replaced.descriptor) }, replaced.descriptor);
        descriptors.close_all();
        assert_ne!(socket_number(kept.descriptor), number, "the parent's socket stays open");
        assert!(is_open(replaced.descriptor), "another's file is closed");
        // SAFETY: it is this test's.
        drop(unsafe { OwnedFd::from_raw_fd(replaced.descriptor) });
    }
}

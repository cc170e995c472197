//! The few libc calls: the signal mask of this thread, the eventfd behind the cancel token, and watching a descriptor.
#![allow(unsafe_code)]

use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// While it lives, a write to a closed connection raises no SIGPIPE on this thread; what was raised is swallowed and
/// the mask is put back. Needed because hyper writes by `writev`, which knows no MSG_NOSIGNAL.
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

/// The doorbell of a cancel token: rung from anywhere, also from a signal handler.
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

    /// Async-signal-safe: one `write`, and errno as it was.
    pub fn ring(&self) {
        let one = 1u64;
        // SAFETY: errno is this thread's; write reads 8 bytes of a live value.
        unsafe {
            let errno = libc::__errno_location();
            let before = *errno;
            libc::write(self.0.as_raw_fd(), ptr::from_ref(&one).cast(), size_of::<u64>());
            *errno = before;
        }
    }

    /// Takes what was rung, so that the descriptor is readable no more.
    pub fn silence(&self) {
        let mut count = 0u64;
        // SAFETY: read fills 8 bytes of a live value; the descriptor doesn't block.
        unsafe { libc::read(self.0.as_raw_fd(), ptr::from_mut(&mut count).cast(), size_of::<u64>()) };
    }

    pub fn watch(&self) -> io::Result<AsyncFd<BorrowedFd<'_>>> {
        watch(self.0.as_fd(), Interest::READABLE)
    }
}

/// Registers a descriptor with the runtime that is entered.
pub fn watch(fd: BorrowedFd<'_>, interest: Interest) -> io::Result<AsyncFd<BorrowedFd<'_>>> {
    // SAFETY: the descriptor stays open, and the same, as long as the borrow that the result holds.
    let registered = unsafe { AsyncFd::register_with_interest(fd, interest) };
    Ok(registered?)
}

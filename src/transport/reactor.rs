//! Drives futures on the calling thread: one `poll(2)` waits for every socket, timer and event of a call, or of many
//! calls at once. Nothing runs in the background, and nothing outlives the call.

use super::sync::atomic::{AtomicBool, Ordering, fence};
use super::sync::now;
#[cfg(all(test, shuttle))]
use super::sync::schedules::{EventFd, poll};
#[cfg(not(all(test, shuttle)))]
use super::sys::{EventFd, poll};
use once_cell::race::OnceBox;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// Events that a descriptor is waited for.
pub const READ: u8 = 1;
pub const WRITE: u8 = 2;

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitEnd {
    /// The descriptor beside the futures is readable.
    Auxiliary,
    /// A signal handler ran.
    Signal,
    /// A future may go on, or a moment has come.
    Other,
}

pub struct Reactor {
    inner: RefCell<Inner>,
    wakeup: Arc<Wakeup>,
    waker: Waker,
}

#[derive(Default)]
struct Inner {
    /// Few of each, so that a call on its own needs no memory for them.
    sources: SmallVec<[Source; 2]>,
    timers: BTreeMap<(Instant, u64), Waker>,
    last_timer: u64,
    /// Futures that another thread wakes.
    remote: usize,
    /// Memory of the last wait, used again.
    descriptors: SmallVec<[libc::pollfd; 4]>,
    /// The source of each descriptor.
    keys: SmallVec<[usize; 4]>,
}

struct Source {
    descriptor: RawFd,
    interest: u8,
    ready: u8,
    waker: Option<Waker>,
    is_used: bool,
}

/// Ends a wait. Another thread that wakes a future needs the event; on this thread the flag is enough.
#[derive(Default)]
struct Wakeup {
    woken: AtomicBool,
    event: OnceBox<EventFd>,
}

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::SeqCst) {
            fence(Ordering::SeqCst);
            if let Some(event) = self.event.get() {
                event.notify();
            }
        }
    }
}

impl Reactor {
    pub fn new() -> Rc<Reactor> {
        let wakeup = Arc::new(Wakeup::default());
        let waker = wakeup.clone().into();
        Rc::new(Reactor { inner: RefCell::default(), wakeup, waker })
    }

    /// Polls once; wakes from now on count for the next time.
    pub fn poll<T>(&self, wanted: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        self.wakeup.woken.store(false, Ordering::SeqCst);
        wanted(&mut Context::from_waker(&self.waker))
    }

    /// Waits until a future may go on, the descriptor beside them is readable, a moment has come or a signal handler has
    /// run; says which.
    pub fn wait(&self, auxiliary: Option<RawFd>, until: Option<Instant>) -> io::Result<WaitEnd> {
        let mut inner = self.inner.borrow_mut();
        let Inner { descriptors, keys, .. } = &mut *inner;
        descriptors.clear();
        keys.clear();
        descriptors.extend(auxiliary.map(|descriptor| pollfd(descriptor, READ)));
        if inner.remote > 0 {
            let event = self.wakeup.event.get_or_try_init(|| EventFd::new().map(Box::new))?;
            inner.descriptors.push(pollfd(event.as_raw_fd(), READ));
        }
        let extra = inner.descriptors.len();
        let Inner { sources, descriptors, keys, timers, .. } = &mut *inner;
        for (key, source) in sources.iter().enumerate().filter(|(_, source)| source.interest != 0) {
            descriptors.push(pollfd(source.descriptor, source.interest));
            keys.push(key);
        }
        let first_timer = timers.first_key_value().map(|((at, _), _)| *at);
        let until = [until, first_timer].into_iter().flatten().min();
        // A wake-up from here on finds the event, if there is one.
        fence(Ordering::SeqCst);
        if self.wakeup.woken.load(Ordering::SeqCst) {
            return Ok(WaitEnd::Other);
        }
        let left = until.map(|until| until.saturating_duration_since(now()));
        let is_signal = poll(descriptors, left)?;
        let is_auxiliary = auxiliary.is_some() && descriptors[0].revents != 0;
        if extra > usize::from(auxiliary.is_some()) && descriptors[extra - 1].revents != 0 {
            self.wakeup.event.get().inspect(|event| event.clear());
        }
        for (descriptor, key) in
            descriptors[extra..].iter().zip(&*keys).filter(|(descriptor, _)| descriptor.revents != 0)
        {
            let source = &mut sources[*key];
            source.ready = ready(descriptor.revents);
            source.interest = 0;
            source.waker.take().inspect(Waker::wake_by_ref);
        }
        if first_timer.is_some() {
            let now = now();
            while timers.first_key_value().is_some_and(|((at, _), _)| *at <= now) {
                timers.pop_first().inspect(|(_, waker)| waker.wake_by_ref());
            }
        }
        Ok(match (is_auxiliary, is_signal) {
            (true, _) => WaitEnd::Auxiliary,
            (false, true) => WaitEnd::Signal,
            (false, false) => WaitEnd::Other,
        })
    }

    /// Whether a future was woken since it was polled last.
    pub fn is_woken(&self) -> bool {
        self.wakeup.woken.load(Ordering::SeqCst)
    }

    /// Ready at a moment.
    pub fn sleep_until(self: &Rc<Self>, at: Instant) -> Sleep {
        Sleep { reactor: self.clone(), at, timer: None }
    }

    /// Ready after a time; one beyond the clock never ends.
    pub async fn sleep(self: &Rc<Self>, time: Duration) {
        match now().checked_add(time) {
            Some(at) => self.sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Ready when `descriptor` is.
    pub async fn ready(self: &Rc<Self>, descriptor: &impl AsFd, interest: u8) {
        let source = Registration::new(self, descriptor);
        std::future::poll_fn(|cx| {
            if source.take_ready() != 0 {
                return Poll::Ready(());
            }
            source.wait_for(interest, cx.waker());
            Poll::Pending
        })
        .await;
    }

    /// Says that another thread will wake a future of this one. Ends when it is dropped.
    pub fn expect_wake(self: &Rc<Self>) -> RemoteWake {
        self.inner.borrow_mut().remote += 1;
        RemoteWake(self.clone())
    }
}

/// Lets whoever drives look at the limits and hand out the log before the work goes on.
pub async fn yield_now() {
    let mut has_yielded = false;
    std::future::poll_fn(|cx| {
        if mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn pollfd(descriptor: RawFd, interest: u8) -> libc::pollfd {
    let read = if interest & READ != 0 { libc::POLLIN } else { 0 };
    let write = if interest & WRITE != 0 { libc::POLLOUT } else { 0 };
    libc::pollfd { fd: descriptor, events: read | write, revents: 0 }
}

/// An error or an end is found by whoever reads or writes.
fn ready(revents: libc::c_short) -> u8 {
    let is = |events| if revents & (events | libc::POLLERR | libc::POLLHUP | libc::POLLNVAL) != 0 { 1 } else { 0 };
    (READ * is(libc::POLLIN)) | (WRITE * is(libc::POLLOUT))
}

pub struct RemoteWake(Rc<Reactor>);

impl Drop for RemoteWake {
    fn drop(&mut self) {
        self.0.inner.borrow_mut().remote -= 1;
    }
}

/// A descriptor that the reactor waits for when it is told to, once at a time.
pub struct Registration {
    reactor: Rc<Reactor>,
    key: usize,
}

impl Registration {
    /// The descriptor must stay open as long as this lives.
    pub fn new(reactor: &Rc<Reactor>, descriptor: &impl AsFd) -> Registration {
        let descriptor = descriptor.as_fd().as_raw_fd();
        let source = Source { descriptor, interest: 0, ready: 0, waker: None, is_used: true };
        let mut inner = reactor.inner.borrow_mut();
        let key = match inner.sources.iter().position(|source| !source.is_used) {
            Some(free) => {
                inner.sources[free] = source;
                free
            }
            None => {
                inner.sources.push(source);
                inner.sources.len() - 1
            }
        };
        Registration { reactor: reactor.clone(), key }
    }

    /// Wakes once when it is ready for any of it.
    pub fn wait_for(&self, interest: u8, waker: &Waker) {
        let mut inner = self.reactor.inner.borrow_mut();
        let source = &mut inner.sources[self.key];
        source.interest = interest;
        if interest != 0 && !source.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            source.waker = Some(waker.clone());
        }
    }

    /// Takes what it was found to be ready for.
    pub fn take_ready(&self) -> u8 {
        mem::take(&mut self.reactor.inner.borrow_mut().sources[self.key].ready)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut inner = self.reactor.inner.borrow_mut();
        let source = &mut inner.sources[self.key];
        (source.is_used, source.interest, source.waker) = (false, 0, None);
    }
}

pub struct Sleep {
    reactor: Rc<Reactor>,
    at: Instant,
    timer: Option<u64>,
}

impl Sleep {
    pub fn at(&self) -> Instant {
        self.at
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.at <= now() {
            return Poll::Ready(());
        }
        let reactor = self.reactor.clone();
        let mut inner = reactor.inner.borrow_mut();
        let number = *self.timer.get_or_insert_with(|| {
            inner.last_timer += 1;
            inner.last_timer
        });
        inner.timers.insert((self.at, number), cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.timer {
            self.reactor.inner.borrow_mut().timers.remove(&(self.at, number));
        }
    }
}

#[cfg(test)]
impl Reactor {
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            if let Poll::Ready(it) = self.poll(|cx| work.as_mut().poll(cx)) {
                return it;
            }
            if !self.is_woken() {
                self.wait(None, None).unwrap();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join;
    use std::io::Write as _;
    use std::os::unix::net::UnixStream;
    use std::thread;

    #[test]
    fn timers_end_in_their_order_and_leave_nothing() {
        let reactor = Reactor::new();
        let order = RefCell::new(Vec::new());
        let after = |milliseconds| {
            let (reactor, order) = (&reactor, &order);
            async move {
                reactor.sleep(Duration::from_millis(milliseconds)).await;
                order.borrow_mut().push(milliseconds);
            }
        };
        let began = Instant::now();
        reactor.block_on(join(join(after(20), after(1)), after(10)));
        assert_eq!(*order.borrow(), [1, 10, 20]);
        assert!(began.elapsed() >= Duration::from_millis(20));
        assert!(reactor.inner.borrow().timers.is_empty());
    }

    #[test]
    fn a_descriptor_wakes_once_and_its_place_is_used_again() {
        let reactor = Reactor::new();
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"x").unwrap();
        for _ in 0..3 {
            reactor.block_on(reactor.ready(&ours, READ));
            reactor.block_on(reactor.ready(&ours, WRITE));
        }
        assert_eq!(reactor.inner.borrow().sources.len(), 1);
    }

    #[test]
    fn another_thread_ends_a_wait_whenever_it_wakes() {
        for round in 0..200 {
            let reactor = Reactor::new();
            let (sender, receiver) = futures_channel::oneshot::channel();
            let other = thread::spawn(move || {
                (0..round * 50).for_each(|_| std::hint::spin_loop());
                sender.send(round).unwrap();
            });
            let _wake = reactor.expect_wake();
            assert_eq!(reactor.block_on(receiver), Ok(round));
            other.join().unwrap();
        }
    }

    #[test]
    fn what_is_waited_for_beside_is_told() {
        let reactor = Reactor::new();
        let event = EventFd::new().unwrap();
        let soon = || Some(Instant::now() + Duration::from_millis(2));
        assert_eq!(reactor.wait(Some(event.as_raw_fd()), soon()).unwrap(), WaitEnd::Other);
        event.notify();
        assert_eq!(reactor.wait(Some(event.as_raw_fd()), None).unwrap(), WaitEnd::Auxiliary);
    }
}

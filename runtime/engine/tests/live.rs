//! A live engine: what it acknowledges and when, how much it takes in, and what it sends again.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "in test support a panic is how a test fails"
)]
mod common;

use std::sync::{Arc, Mutex, mpsc};

use common::{
    BOUND, bounded,
    drive::{Place, event_of, line},
    shop::{ASK, ORDER},
};
use flowline_core::Answer;
use flowline_engine::{
    Engine, Given, Order,
    connector::{Connector, Replies, Reply},
    live::{Live, LiveError, LiveOptions, ManualClock},
};
use flowline_journal::{Death, Journal, MemoryJournal};
use flowline_plan::{Bundle, Value};

/// When it begins.
const T: i64 = 1_000_000;
/// Keeps the orders, and answers when a test says so.
#[derive(Debug, Default)]
struct Desk {
    orders: Mutex<Vec<Order>>,
    replies: Mutex<Option<Replies>>,
}

impl Desk {
    fn take(&self) -> Vec<Order> {
        std::mem::take(&mut *self.orders.lock().unwrap())
    }

    fn reply(&self, order: &Order, answer: Answer) {
        self.replies.lock().unwrap().as_ref().unwrap().send(vec![Reply::to(order, answer)]);
    }
}

impl Connector for Desk {
    fn call_all(&self, orders: Vec<Order>, replies: &Replies) {
        *self.replies.lock().unwrap() = Some(replies.clone());
        self.orders.lock().unwrap().extend(orders);
    }
}

struct Shop {
    journal: Arc<MemoryJournal>,
    desk: Arc<Desk>,
    clock: Arc<ManualClock>,
    live: Live,
}

/// A shop whose systems know a key for a minute.
fn bundle() -> Arc<Bundle> {
    let mut bundle = common::shop::bundle();
    for key in Arc::make_mut(&mut bundle).systems[0].ops.iter_mut().filter_map(|op| op.idempotency.as_mut()) {
        key.kept_ms = Some(60_000);
    }
    bundle
}

fn open(journal: MemoryJournal, now: i64, inputs_max: usize) -> Shop {
    let place = Place { bundle: bundle(), ..Place::new(&[]) };
    let (journal, desk, clock) = (Arc::new(journal), Arc::new(Desk::default()), Arc::new(ManualClock::new(now)));
    let engine = place.engine(Arc::clone(&journal) as Arc<dyn Journal>);
    let connector = Arc::clone(&desk) as Arc<dyn Connector>;
    let live = Live::start(engine, connector, Arc::clone(&clock) as _, LiveOptions { inputs_max }).unwrap();
    Shop { journal, desk, clock, live }
}

fn event(no: u32) -> Given {
    Given::Event(event_of(line(T, no, ORDER, no.into(), 1)))
}

impl Shop {
    /// Hands in an event; the receiver learns whether it is acknowledged.
    fn submit(&self, no: u32) -> mpsc::Receiver<()> {
        let (done, acknowledged) = mpsc::channel();
        self.live.handle().try_submit(vec![event(no)], Some(Box::new(move || done.send(()).unwrap()))).unwrap();
        acknowledged
    }

    /// Looks at the engine, when it has taken everything that was handed in before.
    fn look<T: Send + 'static>(&self, look: impl FnOnce(&Engine) -> T + Send + 'static) -> T {
        self.live.handle().inspect(look).unwrap()
    }
}

#[test]
fn nothing_is_acknowledged_and_no_order_leaves_before_it_is_durable() {
    bounded(|| {
        let shop = open(MemoryJournal::new(), T, 10);
        shop.journal.hold();
        let acknowledged = shop.submit(1);
        assert_eq!(shop.look(|engine| engine.live().count()), 1, "it is taken");
        shop.look(|_| ());
        assert_eq!(acknowledged.try_recv(), Err(mpsc::TryRecvError::Empty));
        assert!(shop.desk.take().is_empty());
        shop.journal.release();
        acknowledged.recv_timeout(BOUND).unwrap();
        // Orders leave before the next look at the inbox.
        shop.look(|_| ());
        assert_eq!(shop.desk.take().len(), 1);
    });
}

#[test]
fn after_an_error_nothing_is_acknowledged_or_taken() {
    bounded(|| {
        for death in [Death::Lost, Death::Torn, Death::Unacknowledged] {
            // The first write is the bundle.
            let shop = open(MemoryJournal::new().dying(2, death), T, 10);
            shop.submit(1).recv_timeout(BOUND).unwrap();
            let never = shop.submit(2);
            assert_eq!(never.recv_timeout(BOUND), Err(mpsc::RecvTimeoutError::Disconnected), "{death:?}");
            assert!(matches!(shop.live.handle().submit_durably(vec![event(3)]), Err(LiveError::Stopped)));
            assert!(matches!(shop.live.handle().wait_idle(0), Err(LiveError::Stopped)));
            assert!(matches!(shop.live.stop(0), Err(LiveError::Engine(_))), "it says why");
        }
    });
}

#[test]
fn what_waits_for_a_round_is_bounded() {
    bounded(|| {
        let shop = open(MemoryJournal::new(), T, 3);
        let (busy, is_busy) = mpsc::channel();
        let (go_on, free) = mpsc::channel::<()>();
        let handle = shop.live.handle().clone();
        let looking = std::thread::spawn(move || {
            handle.inspect(move |_| {
                busy.send(()).unwrap();
                free.recv().unwrap();
            })
        });
        is_busy.recv_timeout(BOUND).unwrap();
        let acknowledged: Vec<_> = (1..=3).map(|no| shop.submit(no)).collect();
        let full = shop.live.handle().try_submit(vec![event(4)], None);
        assert!(matches!(full, Err(LiveError::Full { inputs_max: 3 })), "{full:?}");
        go_on.send(()).unwrap();
        looking.join().unwrap().unwrap();
        for acknowledged in acknowledged {
            acknowledged.recv_timeout(BOUND).unwrap();
        }
        shop.submit(4).recv_timeout(BOUND).unwrap();
        let large = (10..20).map(event).collect();
        shop.live.handle().submit_durably(large).unwrap();
        assert_eq!(shop.look(|engine| engine.totals().events), 14, "one that is larger than the inbox goes in alone");
    });
}

#[test]
fn a_call_goes_out_again_only_while_its_key_is_known() {
    bounded(|| {
        for (down_ms, again) in [(20_000, true), (45_000, false)] {
            let journal = MemoryJournal::new();
            let shop = open(journal.clone(), T, 10);
            shop.submit(1).recv_timeout(BOUND).unwrap();
            shop.look(|_| ());
            let first = shop.desk.take().remove(0);
            // It may have taken effect. The second attempt is out when the engine dies.
            shop.clock.advance(20_000);
            shop.desk.reply(&first, Answer::Unknown("no answer".to_owned()));
            shop.look(|_| ());
            shop.clock.advance(1_000);
            shop.look(|_| ());
            shop.look(|_| ());
            let second = shop.desk.take().remove(0);
            assert_eq!((second.call.key, second.call.attempt), (first.call.key, 2));
            drop(shop);
            let shop = open(journal, T + 21_000 + down_ms, 10);
            shop.look(|_| ());
            let sent = shop.desk.take();
            assert_eq!(!sent.is_empty(), again, "{sent:?}");
            if again {
                assert_eq!((sent[0].call.key, sent[0].call.attempt), (first.call.key, 2));
            } else {
                shop.clock.advance(60_000);
                let idle = shop.live.handle().wait_idle(0).unwrap();
                assert_eq!((idle.live, idle.incidents), (1, 1), "somebody has to look what became of it");
                assert!(shop.desk.take().is_empty());
            }
        }
    });
}

#[test]
fn a_stop_takes_what_came_and_leaves_calls_for_the_next_start() {
    bounded(|| {
        let journal = MemoryJournal::new();
        let shop = open(journal.clone(), T, 10);
        let acknowledged = shop.submit(1);
        shop.live.stop(0).unwrap();
        acknowledged.recv_timeout(BOUND).unwrap();
        let shop = open(journal, T, 10);
        shop.look(|_| ());
        let order = shop.desk.take().remove(0);
        shop.live.handle().submit_durably(vec![Given::Event(event_of(line(T, 9, ASK, 9, 9)))]).unwrap();
        // One answer counts, also where it comes twice.
        for _ in 0..2 {
            shop.desk.reply(&order, Answer::Done(Value::Record([Value::text("hold")].into())));
        }
        shop.look(|_| ());
        assert_eq!(shop.look(|engine| engine.totals().steps), 3, "two starts and an answer");
    });
}

//! Random sketches: flows that mostly let go of what they open.
use super::Dice;

const ERRORS: &str = "OutOfStock, Declined, CaptureFailed, AlreadyCaptured, GatewayDown, Refused";

/// A flow; the same dice give the same one.
pub(crate) fn flow(dice: &mut Dice) -> String {
    let mut flow = Random { dice, text: format!("raises {ERRORS}\n"), names: 0 };
    let mut open = Vec::new();
    flow.block(0, &mut open, true);
    flow.close(0, &mut open);
    flow.line(0, "stop done");
    flow.text
}

struct Random<'d> {
    dice: &'d mut Dice,
    text: String,
    names: u32,
}

impl Random<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        self.text.push_str(&"  ".repeat(depth));
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn name(&mut self, kind: char) -> String {
        self.names += 1;
        format!("{kind}{}", self.names)
    }

    /// Closes what is open, mostly.
    fn close(&mut self, depth: usize, open: &mut Vec<String>) {
        for name in std::mem::take(open) {
            match self.dice.below(12) {
                0 => {}
                _ if name.starts_with('h') => {
                    let op = ["commit", "release"][self.dice.below(2)];
                    self.line(depth, &format!("inventory.{op} {name}"));
                }
                1..6 => {
                    self.line(depth, "attempt");
                    self.line(depth + 1, &format!("payments.capture {name}"));
                    self.line(depth, "on CaptureFailed");
                    self.line(depth + 1, "notify.send");
                }
                _ => self.line(depth, &format!("payments.void {name}")),
            }
        }
    }

    /// A block that may use, and close, what is open around it; `stops` where the run may end in it.
    fn block(&mut self, depth: usize, open: &mut Vec<String>, stops: bool) {
        for _ in 0..1 + self.dice.below(4) {
            match self.dice.below(if depth < 4 { 16 } else { 8 }) {
                0 | 1 => {
                    let name = self.name('h');
                    self.line(depth, &format!("{name} = inventory.hold"));
                    open.push(name);
                }
                2 => {
                    let name = self.name('c');
                    self.line(depth, &format!("{name} = payments.authorise"));
                    open.push(name);
                }
                3 => self.line(depth, "erp.post"),
                4 => self.line(depth, "await Dispatched"),
                5 => self.line(depth, "inventory.check"),
                6 if !open.is_empty() => {
                    let at = self.dice.below(open.len());
                    let mut one = vec![open.remove(at)];
                    self.close(depth, &mut one);
                }
                6 | 7 => self.line(depth, "notify.send"),
                8 => self.parts(depth, &["when maybe", "else"], open, stops),
                9 => self.parts(depth, &["parallel", "branch", "branch"], open, false),
                10 => self.each(depth, open),
                11 => {
                    self.line(depth, "attempt");
                    self.line(depth + 1, "repeat");
                    let mut own = Vec::new();
                    self.block(depth + 2, &mut own, false);
                    self.close(depth + 2, &mut own);
                    self.line(depth, "on Exhausted");
                    self.line(depth + 1, "notify.send");
                }
                _ => self.attempt(depth, open, stops),
            }
        }
    }

    fn parts(&mut self, depth: usize, heads: &[&str], open: &mut [String], stops: bool) {
        let inside = usize::from(heads[0] == "parallel");
        for (at, head) in heads.iter().enumerate() {
            if at < inside {
                self.line(depth, head);
                continue;
            }
            self.line(depth + inside, head);
            let mut own = Vec::new();
            self.block(depth + inside + 1, &mut own, stops);
            if stops && self.dice.below(4) == 0 {
                own.extend(open.iter().cloned());
                self.close(depth + inside + 1, &mut own);
                self.line(depth + inside + 1, "stop early");
            } else {
                self.close(depth + inside + 1, &mut own);
                if inside == 1 && self.dice.below(8) == 0 {
                    self.line(depth + inside + 1, "point of no return");
                    self.line(depth + inside + 1, "notify.send");
                }
            }
        }
    }

    fn each(&mut self, depth: usize, open: &mut [String]) {
        let whole = open.iter().find(|name| name.starts_with('c')).cloned();
        let mut own = Vec::new();
        match whole {
            Some(whole) if self.dice.below(3) > 0 => {
                let part = self.name('c');
                self.line(depth, &format!("each p in parcels sharing {whole} as {part}"));
                own.push(part);
            }
            Some(_) | None => self.line(depth, "each p in parcels"),
        }
        self.block(depth + 1, &mut own, false);
        if self.dice.below(3) == 0 {
            self.line(depth + 1, "point of no return");
        }
        self.close(depth + 1, &mut own);
    }

    fn attempt(&mut self, depth: usize, open: &mut Vec<String>, stops: bool) {
        self.line(depth, "attempt");
        let mut own = Vec::new();
        self.block(depth + 1, &mut own, stops);
        // Some of what lies around is closed in here.
        while !open.is_empty() && self.dice.below(5) == 0 {
            own.extend(open.pop());
        }
        let forward = self.dice.below(3) == 0;
        if forward {
            self.line(depth + 1, "point of no return");
            self.line(depth + 1, "notify.send");
        }
        self.close(depth + 1, &mut own);
        for (head, outcome) in [(format!("on {ERRORS}"), "failed"), ("on event OrderCancelled".to_owned(), "cancelled")]
        {
            if self.dice.below(3) == 0 {
                continue;
            }
            self.line(depth, &head);
            let mut own = Vec::new();
            self.block(depth + 1, &mut own, stops);
            if stops && self.dice.below(2) == 0 {
                own.extend(open.iter().cloned());
                self.close(depth + 1, &mut own);
                self.line(depth + 1, &format!("stop {outcome}"));
            } else {
                self.close(depth + 1, &mut own);
            }
            if outcome == "cancelled" && self.dice.below(3) == 0 {
                self.part(depth, "too late");
            }
        }
        if self.dice.below(4) == 0 {
            self.part(depth, "after");
        }
        if self.dice.below(5) == 0 {
            self.part(depth, "meanwhile");
        }
    }

    fn part(&mut self, depth: usize, head: &str) {
        self.line(depth, head);
        let mut own = Vec::new();
        self.block(depth + 1, &mut own, false);
        self.close(depth + 1, &mut own);
    }
}

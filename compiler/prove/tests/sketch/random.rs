//! Random sketches: flows that mostly let go of what they open.
use super::Dice;

const ERRORS: &str = "OutOfStock, Declined, CaptureFailed, AlreadyCaptured, GatewayDown, Refused";

/// A flow, in some cases with sub-flows; the same dice give the same one.
pub(crate) fn flow(dice: &mut Dice) -> String {
    // Half of them are short, with attempts whose handlers keep: long ones are hardly ever sound.
    let keen = dice.below(2) == 0;
    let mut flow = Random { dice, text: format!("raises {ERRORS}\n"), names: 0, keen, subs: Vec::new() };
    let sub_flows = if keen { 0 } else { [0, 0, 1, 2][flow.dice.below(4)] };
    for _ in 0..sub_flows {
        flow.sub_flow();
    }
    let mut open = Vec::new();
    if keen {
        flow.attempt(0, &mut open, true);
    } else {
        flow.block(0, &mut open, true);
    }
    flow.close(0, &mut open);
    flow.line(0, "stop done");
    flow.text
}

struct Random<'d> {
    dice: &'d mut Dice,
    text: String,
    names: u32,
    keen: bool,
    /// The sub-flows so far: a flow may run those before it.
    subs: Vec<Sub>,
}

/// A sub-flow as its callers see it.
#[derive(Clone)]
struct Sub {
    name: String,
    /// What each resource is, `h` or `c`, and whether it is closed by the sub-flow.
    takes: Vec<(char, bool)>,
    gives: bool,
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
                _ if name.starts_with('l') => {
                    let op = ["commit", "release"][self.dice.below(2)];
                    let one = self.name('e');
                    self.line(depth, &format!("each {one} in {name}"));
                    self.line(depth + 1, &format!("inventory.{op} {one}"));
                }
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
        let deepest = if self.keen { 2 } else { 4 };
        for _ in 0..1 + self.dice.below(4) {
            match self.dice.below(if depth < deepest { 19 } else { 8 }) {
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
                3 if !open.is_empty() && self.dice.below(4) == 0 => {
                    let at = self.dice.below(open.len());
                    open[at] = self.renamed(depth, &open[at].clone());
                }
                3 => self.line(depth, "erp.post"),
                4 => self.line(depth, "await Dispatched"),
                5 => self.line(depth, "inventory.check"),
                6 if !open.is_empty() => {
                    let at = self.dice.below(open.len());
                    let mut one = vec![open.remove(at)];
                    self.close(depth, &mut one);
                }
                6 => self.line(depth, "notify.send"),
                7 => self.run(depth, open),
                8 => self.parts(depth, &["when maybe", "else"], open, stops),
                9 => self.parts(depth, &["parallel", "branch", "branch"], open, false),
                10 => self.each(depth, open),
                11 => {
                    let gives = ["= each p in parcels", "= parallel", "= attempt"][self.dice.below(3)];
                    self.given(depth, gives, open);
                }
                12 => {
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

    /// Another name for the same.
    fn renamed(&mut self, depth: usize, name: &str) -> String {
        let kind = name.chars().next().unwrap_or('h');
        let other = self.name(kind);
        self.line(depth, &format!("{other} = {name}"));
        other
    }

    /// A block that hands holds out.
    fn given(&mut self, depth: usize, head: &str, open: &mut Vec<String>) {
        let name = self.name(if head.contains("each") { 'l' } else { 'h' });
        self.line(depth, &format!("{name} {head}"));
        let branches = if head.contains("parallel") { 2 } else { 1 };
        for _ in 0..branches {
            if branches == 2 {
                self.line(depth + 1, "branch");
            }
            let inner = depth + branches;
            let held = self.name('h');
            self.line(inner, &format!("{held} = inventory.hold"));
            if self.dice.below(2) == 0 {
                let mut own = Vec::new();
                self.block(inner, &mut own, false);
                self.close(inner, &mut own);
            }
            self.line(inner, &format!("give {held}"));
        }
        if head.contains("attempt") && self.dice.below(2) == 0 {
            self.line(depth, "on OutOfStock");
            self.line(depth + 1, "fail Refused");
        }
        match branches {
            2 => open.extend([format!("{name}.0"), format!("{name}.1")]),
            _ => open.push(name),
        }
    }

    /// What the attempt's own statements, from that place in the text on, have bound.
    fn bound(&self, from: usize, depth: usize) -> Vec<String> {
        let indent = "  ".repeat(depth);
        let own = self.text.get(from..).unwrap_or_default().lines();
        let own = own.filter_map(|line| line.strip_prefix(&indent)?.split_once(" = "));
        own.filter(|(name, _)| !name.starts_with(' '))
            .flat_map(|(name, what)| match what.split(' ').next() {
                Some("parallel") => vec![format!("{name}.0"), format!("{name}.1")],
                Some("each" | "attempt" | "inventory.hold" | "payments.authorise") => vec![name.to_owned()],
                // Another name for what was there.
                _ => Vec::new(),
            })
            .collect()
    }

    /// A handler that keeps what was opened from somewhere on, mostly all of it: it closes that, or fails and leaves it to
    /// the scope around.
    fn keeper(&mut self, depth: usize, head: &str, bound: &[String]) -> bool {
        if bound.is_empty() || self.dice.below(if self.keen { 5 } else { 2 }) == 0 {
            return false;
        }
        let from = self.dice.below(bound.len());
        let mut own: Vec<String> = bound[from..].to_vec();
        if own.len() > 1 && self.dice.below(4) == 0 {
            own.remove(self.dice.below(own.len()));
        }
        self.line(depth, &format!("{head} keeping {}", own.join(", ")));
        if self.dice.below(2) == 0 {
            let mut other = Vec::new();
            self.block(depth + 1, &mut other, false);
            self.close(depth + 1, &mut other);
        }
        if self.dice.below(2) == 0 {
            self.line(depth + 1, "fail Refused");
        } else if self.dice.below(3) == 0 {
            for name in own {
                self.line(depth + 1, &format!("when {name} exists"));
                self.close(depth + 2, &mut vec![name]);
                self.line(depth + 2, "notify.send");
            }
        } else {
            self.line(depth + 1, "notify.send");
            self.close(depth + 1, &mut own);
        }
        true
    }

    /// Runs a sub-flow with something that is open.
    fn run(&mut self, depth: usize, open: &mut Vec<String>) {
        if self.subs.is_empty() {
            return self.line(depth, "notify.send");
        }
        let sub = self.subs[self.dice.below(self.subs.len())].clone();
        let (mut args, mut rest) = (String::new(), open.clone());
        for (kind, closes) in &sub.takes {
            let Some(at) = rest.iter().position(|name| name.starts_with(*kind)) else {
                return self.line(depth, "notify.send");
            };
            let name = rest.remove(at);
            args.push_str(&format!(" {name}"));
            if *closes {
                open.retain(|known| *known != name);
            }
        }
        let name = &sub.name;
        if sub.gives {
            let result = self.name('h');
            self.line(depth, &format!("{result} = run {name}{args}"));
            open.push(result);
        } else if sub.takes.iter().all(|(_, closes)| *closes) && self.dice.below(4) == 0 {
            self.line(depth, &format!("start {name}{args}"));
        } else {
            self.line(depth, &format!("run {name}{args}"));
        }
    }

    /// A sub-flow that mostly keeps to its header.
    fn sub_flow(&mut self) {
        let name = format!("f{}", self.subs.len());
        let (mut head, mut takes, mut open) = (format!("flow {name}"), Vec::new(), Vec::new());
        for _ in 0..self.dice.below(3) {
            let kind = ['h', 'c'][self.dice.below(2)];
            let param = self.name(kind);
            let (ty, state, closed) = match kind {
                'h' => ("StockHold", "held", "committed,released"),
                _ => ("CardMoney", "authorised", "captured,voided,refunded,lapsed"),
            };
            let (closes, often) = (self.dice.below(3) > 0, self.dice.below(4) > 0);
            match (closes, often) {
                (true, true) => head.push_str(&format!(" {param}:{ty}:{state}=>{closed}")),
                (true, false) => head.push_str(&format!(" {param}:{ty}:{state},maybe_{state}=>{closed}")),
                (false, true) => head.push_str(&format!(" {param}:{ty}:{state}")),
                (false, false) => head.push_str(&format!(" {param}:{ty}:{state}=>{state},{closed}")),
            }
            if self.dice.below(4) == 0 {
                head.push_str(&format!(" keeps Refused:{param}:{state}"));
            }
            if closes || !often {
                open.push(param);
            }
            takes.push((kind, closes));
        }
        let gives = self.dice.below(3) == 0;
        if gives {
            head.push_str(" -> StockHold:held");
        }
        if self.dice.below(3) == 0 {
            head.push_str(" undo");
        }
        self.line(0, &head);
        self.line(1, &format!("raises {ERRORS}"));
        self.block(1, &mut open, true);
        self.close(1, &mut open);
        if gives {
            let result = self.name('h');
            self.line(1, &format!("{result} = inventory.hold"));
            self.line(1, &format!("stop given with {result}"));
        } else {
            self.line(1, "stop done");
        }
        self.subs.push(Sub { name, takes, gives });
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
        let begins = self.text.len();
        let mut own = Vec::new();
        self.block(depth + 1, &mut own, stops);
        // Some of what lies around is closed in here.
        while !open.is_empty() && self.dice.below(5) == 0 {
            let name = open.pop().unwrap_or_default();
            let name = if self.dice.below(2) == 0 { self.renamed(depth + 1, &name) } else { name };
            own.push(name);
        }
        let forward = self.dice.below(3) == 0;
        if forward {
            self.line(depth + 1, "point of no return");
            self.line(depth + 1, "notify.send");
        }
        self.close(depth + 1, &mut own);
        let bound = self.bound(begins, depth + 1);
        for (head, outcome) in [(format!("on {ERRORS}"), "failed"), ("on event OrderCancelled".to_owned(), "cancelled")]
        {
            if self.dice.below(3) == 0 || self.keeper(depth, &head, &bound) {
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
        if self.dice.below(4) == 0 && !self.keeper(depth, "after", &bound) {
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

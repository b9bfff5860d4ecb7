//! Data answers control by evaluating.
use flowline_plan::{
    Bundle, Code, EachNode, Env as EvalEnv, EventArm, Money, NodeId, OpRef, ScopeId, Slot, TypeId, Value, eval,
};

use super::{Data, DataOracle, FrameData, KeptStep, ResourceData};
use crate::{
    Goods, Incident, ResourceView,
    control::{Oracle, PromiseNews},
};

/// What an expression sees from within a frame.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) bundle: &'a Bundle,
    pub(super) data: &'a Data,
    pub(super) frame: u32,
    pub(super) now: i64,
}

impl EvalEnv for View<'_> {
    fn bundle(&self) -> &Bundle {
        self.bundle
    }

    fn slot(&self, slot: Slot) -> Value {
        self.data.slot(self.frame, slot)
    }

    fn now(&self) -> i64 {
        self.now
    }

    fn resource_field(&self, resource: u32, field: u16) -> Value {
        let fields = self.data.resources.get(resource as usize).map(|resource| &resource.fields);
        fields.and_then(|fields| fields.get(usize::from(field)).cloned()).unwrap_or(Value::None)
    }
}

impl DataOracle<'_> {
    pub(super) fn value(&self, frame: u32, code: &Code, locals: &[Value]) -> Result<Value, Incident> {
        let view = View { bundle: self.bundle, data: self.data, frame, now: self.now };
        Ok(eval(&view, code, locals)?)
    }

    fn holds(&self, frame: u32, code: &Code, locals: &[Value]) -> Result<bool, Incident> {
        match self.value(frame, code, locals)? {
            Value::Bool(holds) => Ok(holds),
            other => Err(fault(format!("a condition gave {}", other.kind()))),
        }
    }

    /// The instant that a time to wait comes to.
    fn instant(&self, value: &Value) -> Result<i64, Incident> {
        match value {
            Value::Duration(ms) => Ok(self.now.saturating_add((*ms).max(0))),
            Value::Instant(at) => Ok((*at).max(self.now)),
            other => Err(fault(format!("a time to wait gave {}", other.kind()))),
        }
    }

    /// The fields of a resource and which of them says how much there is.
    fn split_field(&self, ty: TypeId) -> Option<usize> {
        self.bundle.resource(ty)?.splits_by.map(usize::from)
    }
}

impl Oracle for DataOracle<'_> {
    fn enter(&mut self, frame: u32, scope: ScopeId, parent: Option<u32>) {
        let len = self.plan.scopes.get(scope.index()).map_or(0, |scope| scope.slots.len());
        self.data.frames.push(FrameData {
            no: frame,
            scope,
            parent,
            slots: vec![Value::None; len].into(),
            args: Vec::new(),
            given: Value::None,
            collected: Vec::new(),
        });
    }

    fn begun(&mut self) {
        self.begin_promises();
    }

    fn leave(&mut self, frame: u32) {
        self.data.frames.retain(|data| data.no != frame);
    }

    fn eval(&mut self, frame: u32, code: &Code) -> Result<Value, Incident> {
        self.value(frame, code, &[])
    }

    fn guard(&mut self, frame: u32, _node: NodeId, _arm: usize, code: &Code) -> Result<bool, Incident> {
        self.holds(frame, code, &[])
    }

    fn count(&mut self, frame: u32, code: &Code, what: &'static str) -> Result<u32, Incident> {
        const COUNT_MAX: u32 = 100_000;
        match self.value(frame, code, &[])? {
            Value::Int(count) => {
                let fits = u32::try_from(count).ok().filter(|count| *count <= COUNT_MAX);
                fits.ok_or_else(|| Incident::Limit { what: what.to_owned(), found: count, max: COUNT_MAX.into() })
            }
            other => Err(fault(format!("{what} gave {}", other.kind()))),
        }
    }

    fn due(&mut self, frame: u32, code: &Code) -> Result<i64, Incident> {
        let value = self.value(frame, code, &[])?;
        self.instant(&value)
    }

    fn takes(&mut self, frame: u32, arm: &EventArm, event: &Value) -> Result<bool, Incident> {
        arm.condition.as_ref().map_or(Ok(true), |code| self.holds(frame, code, std::slice::from_ref(event)))
    }

    fn bind(&mut self, frame: u32, slot: Slot, value: Value) -> Result<(), Incident> {
        let owner = self.data.owner_of(frame, slot.scope);
        let place = owner.and_then(|no| self.data.frame_mut(no)?.slots.get_mut(usize::from(slot.at)));
        *place.ok_or_else(|| fault("a slot that no frame has".to_owned()))? = value;
        Ok(())
    }

    fn elements(&mut self, frame: u32, each: &EachNode) -> Result<Vec<Value>, Incident> {
        match self.value(frame, &each.list, &[])? {
            Value::List(list) => {
                if let Some(data) = self.data.frame_mut(frame) {
                    data.collected = vec![Value::None; list.len()];
                }
                Ok(list.to_vec())
            }
            other => Err(fault(format!("a `for each` over {}", other.kind()))),
        }
    }

    fn share(&mut self, frame: u32, each: &EachNode, elements: &[Value], first_part: u32) -> Result<u32, Incident> {
        let Some(sharing) = &each.sharing else { return Err(fault("sharing that isn't there".to_owned())) };
        let Value::Resource(whole) = self.value(frame, &sharing.resource, &[])? else {
            return Err(fault("sharing something that is no resource".to_owned()));
        };
        let of = self.data.resources.get(whole as usize).cloned();
        let of = of.ok_or_else(|| fault("sharing a resource that isn't there".to_owned()))?;
        let field = self.split_field(of.ty).ok_or_else(|| fault("sharing a resource that doesn't split".to_owned()))?;
        let Some(Value::Money(mut left)) = of.fields.get(field).cloned() else {
            return Err(fault("sharing a resource whose amount isn't known".to_owned()));
        };
        let (whole_left, mut asked) = (left, Money { amount: Default::default(), ..left });
        let mut parts = Vec::with_capacity(elements.len());
        for (at, element) in elements.iter().enumerate() {
            let share = match self.value(frame, &sharing.by, std::slice::from_ref(element))? {
                Value::Money(share) => share,
                other => return Err(fault(format!("a share gave {}", other.kind()))),
            };
            let rest = left.amount.checked_sub(share.amount);
            asked.amount = asked.amount.saturating_add(share.amount);
            match rest {
                Some(rest)
                    if share.currency == left.currency
                        && !share.amount.is_sign_negative()
                        && !rest.is_sign_negative() =>
                {
                    left.amount = rest;
                }
                Some(_) | None => {
                    asked.currency = share.currency;
                    return Err(Incident::OverShared { asked: asked.to_string(), left: whole_left.to_string() });
                }
            }
            // A resource may be shared out more than once, here and in sub-flows: its parts count on.
            parts.push(part_of(&of, of.parts as usize + at, field, share));
        }
        if self.data.resources.len() != first_part as usize {
            return Err(fault("the tables of resources disagree".to_owned()));
        }
        let taken = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        self.data.resources.extend(parts);
        if let Some(data) = self.data.resources.get_mut(whole as usize) {
            data.parts = data.parts.saturating_add(taken);
            if let Some(amount) = data.fields.get_mut(field) {
                *amount = Value::Money(left);
            }
        }
        Ok(whole)
    }

    fn prepare(&mut self, frame: u32, args: &[Code]) -> Result<Vec<Value>, Incident> {
        let values = args.iter().map(|code| self.value(frame, code, &[])).collect::<Result<Vec<_>, _>>()?;
        if let Some(data) = self.data.frame_mut(frame) {
            data.args.clone_from(&values);
        }
        Ok(values)
    }

    fn abandon_args(&mut self, frame: u32, resource: u32, args: &[Code]) -> Result<Vec<Value>, Incident> {
        let this = [Value::Resource(resource)];
        let values = args.iter().map(|code| self.value(frame, code, &this)).collect::<Result<Vec<_>, _>>()?;
        if let Some(data) = self.data.frame_mut(frame) {
            data.args.clone_from(&values);
        }
        Ok(values)
    }

    fn undo_args(&mut self, frame: u32, effect: u32, args: &[Code]) -> Result<Vec<Value>, Incident> {
        let step = self.data.steps.iter().find(|step| step.effect == effect);
        let step = step.ok_or_else(|| fault("an undo of a step that wasn't kept".to_owned()))?;
        let locals: Vec<Value> = step.args.iter().cloned().chain([step.result.clone()]).collect();
        let values = args.iter().map(|code| self.value(frame, code, &locals)).collect::<Result<Vec<_>, _>>()?;
        if let Some(data) = self.data.frame_mut(frame) {
            data.args.clone_from(&values);
        }
        Ok(values)
    }

    fn step_args(&mut self, frame: u32, effect: u32) -> Result<Vec<Value>, Incident> {
        let step = self.data.steps.iter().find(|step| step.effect == effect);
        let args = step.map(|step| step.args.clone()).ok_or_else(|| fault("a step that wasn't kept".to_owned()))?;
        if let Some(data) = self.data.frame_mut(frame) {
            data.args.clone_from(&args);
        }
        Ok(args)
    }

    fn call_args(&self, frame: u32) -> Vec<Value> {
        self.data.frame(frame).map(|data| data.args.clone()).unwrap_or_default()
    }

    fn call_over(&mut self, frame: u32) {
        if let Some(data) = self.data.frame_mut(frame) {
            data.args = Vec::new();
        }
    }

    fn mint(&mut self, resource: u32, ty: TypeId, id: String) {
        debug_assert_eq!(self.data.resources.len(), resource as usize, "the tables of resources agree");
        let len = self.bundle.resource(ty).map_or(1, |def| def.fields.len()).max(1);
        let mut fields = vec![Value::None; len];
        if let Some(first) = fields.first_mut() {
            *first = Value::text(id);
        }
        self.data.resources.push(ResourceData { ty, fields, whole: None, parts: 0 });
    }

    fn opened(&mut self, resource: u32, result: &Value, op: OpRef) -> Result<(), Incident> {
        let Some(data) = self.data.resources.get_mut(resource as usize) else { return Ok(()) };
        let Value::Record(fields) = result else {
            let how = format!("it answered {} where it opens a resource", result.kind());
            return Err(Incident::Contract { op: self.bundle.op_name(op), how });
        };
        let id = data.fields.first().cloned();
        if fields.first() != id.as_ref() {
            let how = "it answered for a resource with another id than the one it was sent".to_owned();
            return Err(Incident::Contract { op: self.bundle.op_name(op), how });
        }
        data.fields = fields.to_vec();
        Ok(())
    }

    fn goods(&self, resource: u32) -> Goods {
        self.data.goods(resource)
    }

    fn adopt(&mut self, resource: u32, ty: TypeId, goods: &Goods) {
        debug_assert_eq!(self.data.resources.len(), resource as usize, "the tables of resources agree");
        let Goods { fields, whole, parts } = goods.clone();
        self.data.resources.push(ResourceData { ty, fields, whole, parts });
    }

    fn take_back(&mut self, resource: u32, goods: &Goods) {
        if let Some(data) = self.data.resources.get_mut(resource as usize) {
            (data.fields, data.parts) = (goods.fields.clone(), goods.parts);
        }
    }

    fn instant_of(&self, resource: u32, field: u16) -> Option<i64> {
        match self.data.resources.get(resource as usize)?.fields.get(usize::from(field))? {
            Value::Instant(at) => Some(*at),
            _ => None,
        }
    }

    fn keep_step(&mut self, frame: u32, effect: u32) {
        let args = self.call_args(frame);
        self.data.steps.push(KeptStep { effect, args, result: Value::None });
    }

    fn keep_result(&mut self, effect: u32, result: &Value) {
        if let Some(step) = self.data.steps.iter_mut().find(|step| step.effect == effect) {
            step.result = result.clone();
        }
    }

    fn forget_step(&mut self, effect: u32) {
        self.data.steps.retain(|step| step.effect != effect);
    }

    fn view(&self, resource: u32) -> ResourceView {
        self.data.view(resource)
    }

    fn status(&mut self, value: &Value, part: Option<&Value>) {
        match part {
            Some(key) => match self.data.parts.binary_search_by(|(known, _)| known.cmp(key)) {
                Ok(at) => {
                    if let Some((_, status)) = self.data.parts.get_mut(at) {
                        *status = value.clone();
                    }
                }
                Err(at) => self.data.parts.insert(at, (key.clone(), value.clone())),
            },
            None => {
                self.data.status = Some(value.clone());
                self.reached(value);
            }
        }
    }

    fn give(&mut self, frame: u32, value: Value) {
        if let Some(data) = self.data.frame_mut(frame) {
            data.given = value;
        }
    }

    fn given(&mut self, frame: u32) -> Value {
        self.data.frame_mut(frame).map_or(Value::None, |data| std::mem::replace(&mut data.given, Value::None))
    }

    fn collect(&mut self, frame: u32, iteration: u32, value: Value) {
        let place = self.data.frame_mut(frame).and_then(|data| data.collected.get_mut(iteration as usize));
        if let Some(place) = place {
            *place = value;
        }
    }

    fn collected(&mut self, frame: u32) -> Value {
        let collected = self.data.frame_mut(frame).map(|data| std::mem::take(&mut data.collected));
        Value::List(collected.unwrap_or_default().into())
    }

    fn promise_news(&mut self) -> Vec<PromiseNews> {
        self.news()
    }

    fn keep_for_late(&mut self, sees: &[Option<Slot>]) {
        self.keep(sees);
    }

    fn late_value(&mut self, code: &Code) -> Result<Value, Incident> {
        self.after_end(Value::None, code)
    }

    fn late_due(&mut self, code: &Code) -> Result<i64, Incident> {
        let value = self.after_end(Value::None, code)?;
        self.instant(&value)
    }

    fn late_takes(&mut self, arm: &EventArm, event: &Value) -> Result<bool, Incident> {
        self.takes_after_end(arm, event)
    }

    fn late_args(&mut self, event: &Value) -> Vec<Value> {
        self.with_event(event.clone())
    }
}

/// Part `at` of a whole: the same fields, an id of its own, its share.
fn part_of(of: &ResourceData, at: usize, field: usize, share: Money) -> ResourceData {
    let mut part = ResourceData { whole: of.fields.first().cloned(), parts: 0, ..of.clone() };
    if let Some(id) = part.fields.first_mut() {
        let text = match &*id {
            Value::Text(text) => format!("{text}/{at}"),
            other => format!("{}/{at}", other.kind()),
        };
        *id = Value::text(text);
    }
    if let Some(amount) = part.fields.get_mut(field) {
        *amount = Value::Money(share);
    }
    part
}

fn fault(what: String) -> Incident {
    Incident::Internal(what)
}

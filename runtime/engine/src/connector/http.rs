//! Calls over HTTP/1.1: `POST {base}/{op}` with JSON arguments. One thread of its own carries them all.
//!
//! Headers: `Idempotency-Key` (the call's key in hex, the same for every attempt), `traceparent`, `Flowline-Run`. A call
//! waits at most its time-out for a place under the binding's limits (then it is refused: nothing was sent), and at most
//! its time-out for the answer (then the outcome is unknown). Nothing is retried here; that is the run's decision.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use flowline_core::Answer;
use flowline_plan::{Bundle, OpDef};
use reqwest::{
    Client, Response, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    Binding, BindingError, Connector, Replies, Reply,
    binding::{HttpBinding, Secret},
    limits::{Breaker, Pace},
    message::{Body, answer, arguments, opened_id_name, trace_parent},
};
use crate::Order;

/// The longest body that a system may answer with.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Why calls over HTTP can't be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    #[error("`[bind.{system}]`: {cause}")]
    Binding { system: String, cause: BindingError },
    #[error("`[bind.{0}]` binds a system that no contract declares; rename it or take it out")]
    UnknownSystem(String),
    #[error("no binding says where to reach {0}; add `[bind.NAME]` with `http = \"http://…\"` to flow.toml")]
    Unbound(String),
    #[error("`{op}` has a parameter named `{name}`, as the id of the resource that it opens; rename the parameter")]
    NameClash { op: String, name: String },
    #[error("calls over HTTP can't be set up: {0}")]
    Setup(String),
}

/// Calls systems over HTTP.
#[derive(Debug)]
pub struct HttpConnector {
    jobs: Option<mpsc::UnboundedSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Job {
    orders: Vec<Order>,
    replies: Replies,
}

impl HttpConnector {
    /// Checks the bindings, fetches their secrets, and starts the thread that calls. Every system with operations needs
    /// a binding.
    ///
    /// # Errors
    /// [`ConnectorError`]; nothing runs then.
    pub fn start(bundle: Arc<Bundle>, bindings: &BTreeMap<String, Binding>) -> Result<Self, ConnectorError> {
        let shared = Arc::new(Shared::new(bundle, bindings)?);
        let setup = |cause: std::io::Error| ConnectorError::Setup(cause.to_string());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(setup)?;
        let (jobs, inbox) = mpsc::unbounded_channel();
        let run = move || {
            runtime.block_on(carry_all(shared, inbox));
            // What is still looking up a name must not hold up the end.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("http".to_owned()).spawn(run).map_err(setup)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }
}

impl Connector for HttpConnector {
    fn call_all(&self, orders: Vec<Order>, replies: &Replies) {
        let job = Job { orders, replies: replies.clone() };
        let Some(jobs) = &self.jobs else { return };
        if let Err(mpsc::error::SendError(Job { orders, replies })) = jobs.send(job) {
            let refused = |order: &Order| Reply::to(order, Answer::Refused("the connector has stopped".to_owned()));
            replies.send(orders.iter().map(refused).collect());
        }
    }
}

impl Drop for HttpConnector {
    /// Calls that are out are given up.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn carry_all(shared: Arc<Shared>, mut inbox: mpsc::UnboundedReceiver<Job>) {
    while let Some(Job { orders, replies }) = inbox.recv().await {
        for order in orders {
            let owed = Owed { order, replies: replies.clone(), answer: None };
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                let answer = shared.carry_out(&owed.order).await;
                owed.pay(answer);
            });
        }
    }
}

/// An order whose reply goes out in any case, also when its task dies.
#[derive(Debug)]
struct Owed {
    order: Order,
    replies: Replies,
    answer: Option<Answer>,
}

impl Owed {
    fn pay(mut self, answer: Answer) {
        self.answer = Some(answer);
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        let lost = || Answer::Unknown("the call was given up before its answer came".to_owned());
        let answer = self.answer.take().unwrap_or_else(lost);
        self.replies.send(vec![Reply::to(&self.order, answer)]);
    }
}

/// What all calls need.
#[derive(Debug)]
struct Shared {
    bundle: Arc<Bundle>,
    client: Client,
    /// By the bundle's number; none for one without operations.
    systems: Vec<Option<System>>,
}

/// A system, as this connector reaches it.
#[derive(Debug)]
struct System {
    base: Url,
    auth: Option<(Secret, HeaderValue)>,
    places: Semaphore,
    pace: Option<Mutex<Pace>>,
    breaker: Option<Mutex<Breaker>>,
    /// What the times of `pace` and `breaker` count from.
    since: Instant,
}

impl Shared {
    fn new(bundle: Arc<Bundle>, bindings: &BTreeMap<String, Binding>) -> Result<Self, ConnectorError> {
        let known: BTreeSet<&str> = bundle.systems.iter().map(|system| system.name.as_str()).collect();
        if let Some(name) = bindings.keys().find(|name| !known.contains(name.as_str())) {
            return Err(ConnectorError::UnknownSystem(name.clone()));
        }
        let called = |name: &str| bundle.systems.iter().any(|system| system.name == name && !system.ops.is_empty());
        let unbound: Vec<String> = known
            .iter()
            .filter(|name| called(name) && !bindings.contains_key(**name))
            .map(|name| format!("`{name}`"))
            .collect();
        if !unbound.is_empty() {
            return Err(ConnectorError::Unbound(unbound.join(", ")));
        }
        let mut systems = Vec::with_capacity(bundle.systems.len());
        for def in &bundle.systems {
            for op in &def.ops {
                if let Some(name) = opened_id_name(&bundle, op)
                    && op.params.iter().any(|param| param.name == name)
                {
                    let op = format!("{}.{}", def.name, op.name);
                    return Err(ConnectorError::NameClash { op, name: name.to_owned() });
                }
            }
            let system = bindings.get(&def.name).map(|binding| {
                let bound = HttpBinding::resolve(binding).and_then(System::new);
                bound.map_err(|cause| ConnectorError::Binding { system: def.name.clone(), cause })
            });
            systems.push(system.transpose()?);
        }
        let client = Client::builder()
            .http1_only()
            .no_proxy()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .user_agent(concat!("flowline/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|cause| ConnectorError::Setup(cause.to_string()))?;
        Ok(Self { bundle, client, systems })
    }

    async fn carry_out(&self, order: &Order) -> Answer {
        let reached = self.systems.get(order.call.op.system.index()).and_then(Option::as_ref);
        let (Some(op), Some(system)) = (self.bundle.op(order.call.op), reached) else {
            let name = self.bundle.op_name(order.call.op);
            return Answer::Rejected(format!("no binding says where to reach `{name}`"));
        };
        let timeout = Duration::from_millis(u64::try_from(order.call.timeout_ms).unwrap_or(0));
        let deadline = Instant::now() + timeout;
        let Ok(Ok(_place)) = timeout_at(deadline, system.places.acquire()).await else {
            return Answer::Refused("too many calls are out; there was no place in time".to_owned());
        };
        if let Some(pace) = &system.pace {
            let place = lock(pace).place(system.now(), deadline - system.since);
            let Some(at) = place else {
                return Answer::Refused("too many calls a second; there was no place in time".to_owned());
            };
            sleep_until(system.since + at).await;
        }
        if let Some(breaker) = &system.breaker
            && !lock(breaker).admits(system.now())
        {
            return Answer::Refused("its circuit breaker is open".to_owned());
        }
        let (answer, well) = match timeout_at(Instant::now() + timeout, self.send(system, op, order)).await {
            Ok(answered) => answered,
            Err(_) => (Answer::Unknown(format!("no answer within {} ms", timeout.as_millis())), false),
        };
        if let Some(breaker) = &system.breaker {
            lock(breaker).record(system.now(), well);
        }
        answer
    }

    /// One request, and whether the system is well.
    async fn send(&self, system: &System, op: &OpDef, order: &Order) -> (Answer, bool) {
        let mut url = system.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(&op.name);
        }
        let body = arguments(&self.bundle, op, &order.call).to_string();
        let request = self.client.post(url).headers(system.headers(order)).body(body);
        match request.send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                let body = read(response).await;
                let body = system.without_secret(body);
                let answer = answer(&self.bundle, op, &order.call, status, &body);
                let well = status < 500 && status != 408 && !matches!(body, Body::Cut(_));
                (answer, well)
            }
            Err(error) if error.is_connect() => {
                (Answer::Refused(format!("can't connect: {}", cause_of(&error))), false)
            }
            Err(error) => (Answer::Unknown(format!("the connection broke: {}", cause_of(&error))), false),
        }
    }
}

impl System {
    fn new(binding: HttpBinding) -> Result<Self, BindingError> {
        let auth = binding.bearer.map(|secret| {
            let value = HeaderValue::from_str(&format!("Bearer {}", secret.expose()));
            let mut value = value.map_err(|_| BindingError::SecretCharacters)?;
            value.set_sensitive(true);
            Ok((secret, value))
        });
        Ok(Self {
            base: binding.base,
            auth: auth.transpose()?,
            places: Semaphore::new(binding.at_once as usize),
            pace: binding.per_second.map(|calls| Mutex::new(Pace::per_second(calls))),
            breaker: binding.breaker.map(|(open_after, pause)| Mutex::new(Breaker::new(open_after, pause))),
            since: Instant::now(),
        })
    }

    fn now(&self) -> Duration {
        self.since.elapsed()
    }

    fn headers(&self, order: &Order) -> HeaderMap {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, JSON), (ACCEPT, JSON)]);
        let own = [
            ("idempotency-key", order.call.key.to_string()),
            ("traceparent", trace_parent(order.run, &order.call)),
            ("flowline-run", order.run.to_string()),
        ];
        for (name, value) in own {
            let value = HeaderValue::try_from(value).expect("hex digits and dashes are a header's value");
            headers.insert(HeaderName::from_static(name), value);
        }
        if let Some((_, bearer)) = &self.auth {
            headers.insert(AUTHORIZATION, bearer.clone());
        }
        headers
    }

    fn without_secret(&self, body: Body) -> Body {
        match (body, &self.auth) {
            (Body::Text(text), Some((secret, _))) => Body::Text(secret.hide(text)),
            (body, _) => body,
        }
    }
}

/// The body, as far as it is allowed to go.
async fn read(mut response: Response) -> Body {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > BODY_BYTES_MAX => {
                return Body::TooLarge { bytes_max: BODY_BYTES_MAX };
            }
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return String::from_utf8(bytes).map_or(Body::NotUtf8, Body::Text),
            Err(error) => return Body::Cut(cause_of(&error)),
        }
    }
}

/// What lies at the bottom of an error, which is the part that says something.
fn cause_of(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Nothing under these locks is left half done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

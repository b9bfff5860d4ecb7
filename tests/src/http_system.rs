//! A small real system: HTTP/1.1, a durable log of what it did, deduplication by idempotency key, and a script of mishaps.
//!
//! What it does is on disk before it answers. So an answer that it drops is really lost, and after a kill it still knows
//! which keys it has seen.
use std::{
    collections::{BTreeMap, HashMap},
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// The longest request that it takes.
const BODY_BYTES_MAX: usize = 1 << 20;

/// How it behaves.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// What operations answer; the `id` of the arguments is added to objects.
    pub answers: BTreeMap<String, Json>,
    /// By operation: how its first, second, … request goes. Later ones go well.
    pub mishaps: BTreeMap<String, Vec<Mishap>>,
    /// The token that it wants to see.
    pub bearer: Option<String>,
}

/// How a request goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mishap {
    None,
    /// Acts, and closes the connection without an answer.
    LoseAnswer,
    /// Closes the connection without acting.
    LoseRequest,
    /// Acts, and dies before it answers.
    Die,
    /// Acts, and answers after so many milliseconds.
    Slow(u64),
    /// Answers this without acting.
    Refuse {
        status: u16,
        body: String,
    },
    /// Acts, and answers this.
    Garble {
        status: u16,
        body: String,
    },
    /// Acts, and stops in the middle of its answer.
    CutShort,
    /// Acts, and answers with so many bytes.
    Flood(usize),
}

/// A line of its log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// A request came in; not synced, it only counts.
    Request { op: String, key: String, run: String, traceparent: String },
    /// It acted; on disk before the answer.
    Effect { op: String, key: String, arguments: Json, answer: Json },
}

/// Reads a log; a line that a kill cut off is left out.
///
/// # Errors
/// When the file can't be read.
pub fn entries(log: &Path) -> io::Result<Vec<Entry>> {
    let text = match std::fs::read_to_string(log) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => String::new(),
        Err(cause) => return Err(cause),
    };
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// The system.
#[derive(Debug)]
pub struct HttpSystem {
    listener: TcpListener,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    script: Script,
    book: Mutex<Book>,
}

#[derive(Debug)]
struct Book {
    log: File,
    /// Answers by operation and key.
    done: HashMap<(String, String), Json>,
    requests: HashMap<String, usize>,
}

#[derive(Debug)]
struct Request {
    op: String,
    headers: HashMap<String, String>,
    body: Json,
}

impl Request {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

impl HttpSystem {
    /// Opens its log and its door.
    ///
    /// # Errors
    /// When the log can't be opened or the address is taken.
    pub fn open(address: &str, log: &Path, script: Script) -> io::Result<Self> {
        let (mut done, mut requests) = (HashMap::new(), HashMap::new());
        for entry in entries(log)? {
            match entry {
                Entry::Request { op, .. } => *requests.entry(op).or_default() += 1,
                Entry::Effect { op, key, answer, .. } => drop(done.insert((op, key), answer)),
            }
        }
        let log = OpenOptions::new().create(true).append(true).open(log)?;
        let book = Mutex::new(Book { log, done, requests });
        Ok(Self { listener: TcpListener::bind(address)?, shared: Arc::new(Shared { script, book }) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves for ever, one thread a connection.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn serve(&self) -> io::Result<()> {
        loop {
            let (stream, _) = self.listener.accept()?;
            let shared = Arc::clone(&self.shared);
            // A caller that goes away in the middle is none of ours.
            std::thread::spawn(move || drop(shared.converse(stream)));
        }
    }
}

impl Shared {
    /// Answers the requests of one connection.
    fn converse(&self, stream: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut writer = stream;
        while let Some(request) = read_request(&mut reader)? {
            if !self.respond(&request, &mut writer)? {
                break;
            }
        }
        Ok(())
    }

    /// Answers one request; says whether the connection stays open.
    fn respond(&self, request: &Request, to: &mut TcpStream) -> io::Result<bool> {
        let wanted = self.script.bearer.as_ref().map(|token| format!("Bearer {token}"));
        if wanted.is_some_and(|wanted| request.header("authorization") != wanted) {
            return write_answer(to, 401, "{}");
        }
        if request.header("idempotency-key").is_empty() {
            return write_answer(to, 400, r#"{"title":"no Idempotency-Key"}"#);
        }
        match self.mishap(request)? {
            Mishap::None => write_answer(to, 200, &self.act(request)?.to_string()),
            Mishap::LoseAnswer => self.act(request).map(|_| false),
            Mishap::LoseRequest => Ok(false),
            Mishap::Die => {
                self.act(request)?;
                std::process::abort();
            }
            Mishap::Slow(ms) => {
                let answer = self.act(request)?;
                std::thread::sleep(Duration::from_millis(ms));
                write_answer(to, 200, &answer.to_string())
            }
            Mishap::Refuse { status, body } => write_answer(to, status, &body),
            Mishap::Garble { status, body } => {
                self.act(request)?;
                write_answer(to, status, &body)
            }
            Mishap::CutShort => {
                self.act(request)?;
                to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\": ")?;
                Ok(false)
            }
            Mishap::Flood(bytes) => {
                self.act(request)?;
                write_answer(to, 200, &json!(" ".repeat(bytes)).to_string())
            }
        }
    }

    /// Notes a request, and says how it goes.
    fn mishap(&self, request: &Request) -> io::Result<Mishap> {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.write(&Entry::Request {
            op: request.op.clone(),
            key: request.header("idempotency-key").to_owned(),
            run: request.header("flowline-run").to_owned(),
            traceparent: request.header("traceparent").to_owned(),
        })?;
        let count = book.requests.entry(request.op.clone()).or_default();
        let at = *count;
        *count += 1;
        let mishap = self.script.mishaps.get(&request.op).and_then(|mishaps| mishaps.get(at));
        Ok(mishap.cloned().unwrap_or(Mishap::None))
    }

    /// Acts once per operation and key, and gives the answer of that one time.
    fn act(&self, request: &Request) -> io::Result<Json> {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let key = request.header("idempotency-key").to_owned();
        if let Some(answer) = book.done.get(&(request.op.clone(), key.clone())) {
            return Ok(answer.clone());
        }
        let mut answer = self.script.answers.get(&request.op).cloned().unwrap_or(Json::Null);
        if let (Some(answer), Some(id)) = (answer.as_object_mut(), request.body.get("id")) {
            answer.insert("id".to_owned(), id.clone());
        }
        let (op, arguments) = (request.op.clone(), request.body.clone());
        book.write(&Entry::Effect { op: op.clone(), key: key.clone(), arguments, answer: answer.clone() })?;
        book.log.sync_data()?;
        book.done.insert((op, key), answer.clone());
        Ok(answer)
    }
}

impl Book {
    fn write(&mut self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.log.write_all(&line)
    }
}

/// The next request; none when the caller has closed.
fn read_request(from: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).ok_or_else(|| bad("no path"))?;
    let op = path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Err(bad("cut within the headers"));
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    if length > BODY_BYTES_MAX {
        return Err(bad("too long"));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    let body = serde_json::from_slice(&body)?;
    Ok(Some(Request { op, headers, body }))
}

fn write_answer(to: &mut TcpStream, status: u16, body: &str) -> io::Result<bool> {
    let location = if (300..400).contains(&status) { "Location: /elsewhere\r\n" } else { "" };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Scripted\r\nContent-Type: application/json\r\n{location}Content-Length: {length}\r\n\r\n"
    );
    to.write_all(head.as_bytes())?;
    // No body goes with "no content".
    if status != 204 {
        to.write_all(body.as_bytes())?;
    }
    to.flush()?;
    Ok(true)
}

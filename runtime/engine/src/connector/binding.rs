//! `[bind.NAME]` of `flow.toml`: where a system is reached, and how gently.
use std::{fmt, path::Path, sync::Arc, time::Duration};

use flowline_plan::{Bundle, Type, Value, json::from_json};
use reqwest::Url;
use serde::Deserialize;

/// One table `[bind.NAME]`, as written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The address that operations hang under.
    pub http: Option<String>,
    /// The queue that workers poll.
    pub worker: Option<String>,
    pub auth: Option<Auth>,
    #[serde(default)]
    pub limit: CallLimit,
    pub breaker: Option<BreakerRule>,
}

/// How calls say who sends them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// The token of an `Authorization: Bearer` header.
    pub bearer: SecretRef,
}

/// How many calls a system gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallLimit {
    /// Calls a second, evenly spread; without it there is no limit.
    pub per_second: Option<u32>,
    /// Calls at the same time; without it [`AT_ONCE_DEFAULT`].
    pub at_once: Option<u32>,
}

/// Calls at the same time where a binding names no number.
pub(super) const AT_ONCE_DEFAULT: u32 = 64;
const AT_ONCE_MAX: u32 = 10_000;
const PER_SECOND_MAX: u32 = 1_000_000;

/// When a system is left alone for a while.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakerRule {
    /// Technical failures in a row.
    pub open_after: u32,
    /// How long, as durations are written: `30 s`.
    #[serde(rename = "for")]
    pub pause: String,
}

/// Where a secret lies: `env:NAME` or `file:PATH`. Never the secret itself.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SecretRef(String);

impl fmt::Debug for SecretRef {
    /// Shows nothing that might be a secret written down by mistake.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.0.starts_with("env:") || self.0.starts_with("file:");
        f.write_str(if known { &self.0 } else { "SecretRef(…)" })
    }
}

/// What is wrong with a binding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    #[error("it names neither `http` nor `worker`; add `http = \"http://…\"`")]
    Nowhere,
    #[error("it names both `http` and `worker`; keep one")]
    Both,
    #[error("worker bindings are not supported yet by this version; bind it by `http`")]
    Worker,
    #[error("https bindings are not supported yet by this version; bind it by `http`, behind a proxy that speaks TLS")]
    Https,
    #[error("`http` is no address: {0}; write one such as `http://payments.internal/v1`")]
    Address(String),
    #[error("`http` holds a name, a password, a query or a fragment; leave them out and use `auth`")]
    AddressParts,
    #[error("`limit.{name}` is from 1 to {max}")]
    Limit { name: &'static str, max: u32 },
    #[error("`breaker.open_after` is at least 1")]
    OpenAfter,
    #[error("`breaker.for` is a duration such as `30 s`")]
    Pause,
    #[error("`auth.bearer` says where the secret lies: `env:NAME` or `file:PATH`")]
    SecretForm,
    #[error("the environment has no `{0}`; set it before the start")]
    NoVariable(String),
    #[error("the secret in `{path}` can't be read: {cause}")]
    SecretFile { path: String, cause: String },
    #[error("the secret has {found} characters, at least {min} are needed", min = Secret::BYTES_MIN)]
    SecretTooShort { found: usize },
    #[error("the secret holds characters that no HTTP header can carry")]
    SecretCharacters,
}

/// A binding that can be used.
#[derive(Debug)]
pub(super) struct HttpBinding {
    pub(super) base: Url,
    pub(super) bearer: Option<Secret>,
    pub(super) at_once: u32,
    pub(super) per_second: Option<u32>,
    /// Failures in a row, and the pause after them.
    pub(super) breaker: Option<(u32, Duration)>,
}

impl HttpBinding {
    /// Checks a binding and fetches its secret.
    pub(super) fn resolve(binding: &Binding) -> Result<Self, BindingError> {
        let text = match (&binding.http, &binding.worker) {
            (Some(_), Some(_)) => return Err(BindingError::Both),
            (None, Some(_)) => return Err(BindingError::Worker),
            (None, None) => return Err(BindingError::Nowhere),
            (Some(text), None) => text,
        };
        let base = address(text)?;
        let CallLimit { per_second, at_once } = binding.limit;
        let at_once = at_once.unwrap_or(AT_ONCE_DEFAULT);
        in_range("at_once", at_once, AT_ONCE_MAX)?;
        if let Some(per_second) = per_second {
            in_range("per_second", per_second, PER_SECOND_MAX)?;
        }
        let breaker = binding.breaker.as_ref().map(breaker).transpose()?;
        let bearer = binding.auth.as_ref().map(|auth| auth.bearer.fetch()).transpose()?;
        Ok(Self { base, bearer, at_once, per_second, breaker })
    }
}

fn address(text: &str) -> Result<Url, BindingError> {
    let url = Url::parse(text).map_err(|cause| BindingError::Address(cause.to_string()))?;
    match url.scheme() {
        "http" => {}
        "https" => return Err(BindingError::Https),
        other => return Err(BindingError::Address(format!("`{other}` is not a scheme that bindings know"))),
    }
    let more =
        !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some();
    if more { Err(BindingError::AddressParts) } else { Ok(url) }
}

fn in_range(name: &'static str, found: u32, max: u32) -> Result<(), BindingError> {
    if (1..=max).contains(&found) { Ok(()) } else { Err(BindingError::Limit { name, max }) }
}

fn breaker(rule: &BreakerRule) -> Result<(u32, Duration), BindingError> {
    if rule.open_after == 0 {
        return Err(BindingError::OpenAfter);
    }
    let written = serde_json::Value::String(rule.pause.clone());
    let pause = from_json(&Bundle::default(), &Type::Duration, &written, &mut |_, _| Ok(true));
    match pause {
        Ok(Value::Duration(ms)) if ms > 0 => Ok((rule.open_after, Duration::from_millis(ms.unsigned_abs()))),
        Ok(_) | Err(_) => Err(BindingError::Pause),
    }
}

impl SecretRef {
    fn fetch(&self) -> Result<Secret, BindingError> {
        if let Some(name) = self.0.strip_prefix("env:") {
            let text = std::env::var(name).map_err(|_| BindingError::NoVariable(name.to_owned()))?;
            return Secret::new(&text);
        }
        let path = self.0.strip_prefix("file:").ok_or(BindingError::SecretForm)?;
        let text = std::fs::read_to_string(Path::new(path))
            .map_err(|cause| BindingError::SecretFile { path: path.to_owned(), cause: cause.to_string() })?;
        Secret::new(&text)
    }
}

/// A secret. It shows itself to nobody but the header that it is for.
#[derive(Clone)]
pub(super) struct Secret(Arc<str>);

impl Secret {
    /// Shorter ones could not be told from other text where they have to be hidden.
    const BYTES_MIN: usize = 8;

    /// White space around it, such as a file's last line break, doesn't count.
    fn new(text: &str) -> Result<Self, BindingError> {
        let text = text.trim();
        if text.len() < Self::BYTES_MIN {
            return Err(BindingError::SecretTooShort { found: text.len() });
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BindingError::SecretCharacters);
        }
        Ok(Self(text.into()))
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// The text without the secret, should a system have said it back.
    pub(super) fn hide(&self, text: String) -> String {
        if text.contains(&*self.0) { text.replace(&*self.0, "…") } else { text }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(toml: &str) -> Result<HttpBinding, BindingError> {
        HttpBinding::resolve(&toml::from_str(toml).unwrap())
    }

    #[test]
    fn what_is_wrong_is_said_at_the_start() {
        let http = "http = 'http://localhost:1/v1'\n";
        for (toml, wanted) in [
            (String::new(), BindingError::Nowhere),
            ("worker = 'wms'".to_owned(), BindingError::Worker),
            (format!("{http}worker = 'wms'"), BindingError::Both),
            ("http = 'https://pay.internal'".to_owned(), BindingError::Https),
            ("http = 'http://me:secret@pay.internal'".to_owned(), BindingError::AddressParts),
            ("http = 'http://pay.internal?token=1'".to_owned(), BindingError::AddressParts),
            (format!("{http}limit = {{ at_once = 0 }}"), BindingError::Limit { name: "at_once", max: AT_ONCE_MAX }),
            (
                format!("{http}limit = {{ per_second = 0 }}"),
                BindingError::Limit { name: "per_second", max: PER_SECOND_MAX },
            ),
            (format!("{http}breaker = {{ open_after = 0, for = '1 s' }}"), BindingError::OpenAfter),
            (format!("{http}breaker = {{ open_after = 1, for = 'long' }}"), BindingError::Pause),
            (format!("{http}auth = {{ bearer = 'tok_live_1234' }}"), BindingError::SecretForm),
            (
                format!("{http}auth = {{ bearer = 'env:FLOWLINE_NO_SUCH_VARIABLE' }}"),
                BindingError::NoVariable("FLOWLINE_NO_SUCH_VARIABLE".to_owned()),
            ),
        ] {
            assert_eq!(resolve(&toml).unwrap_err(), wanted, "{toml}");
        }
        assert!(toml::from_str::<Binding>("htp = 'http://x'").is_err(), "a misspelt name is no binding");
    }

    #[test]
    fn a_whole_binding() {
        let toml = "http = 'http://payments.internal/v1'\nlimit = { per_second = 50, at_once = 20 }\n\
                    breaker = { open_after = 20, for = '30 s' }";
        let binding = resolve(toml).unwrap();
        assert_eq!((binding.at_once, binding.per_second), (20, Some(50)));
        assert_eq!(binding.breaker, Some((20, Duration::from_secs(30))));
    }

    #[test]
    fn secrets_do_not_show() {
        let secret = Secret::new("tok_live_1234\n").unwrap();
        assert_eq!(secret.expose(), "tok_live_1234");
        assert_eq!(secret.hide("no tok_live_1234 here".to_owned()), "no … here");
        let by_mistake: Binding = toml::from_str("http = 'http://x'\nauth = { bearer = 'tok_live_1234' }").unwrap();
        for shown in [
            format!("{secret:?}"),
            format!("{by_mistake:?}"),
            resolve("auth = { bearer = 'tok_live_1234' }\nhttp = 'http://x'").unwrap_err().to_string(),
        ] {
            assert!(!shown.contains("tok_live"), "{shown}");
        }
    }
}

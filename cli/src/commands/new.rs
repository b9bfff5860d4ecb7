//! `flowline new`: a project that checks and runs at once.
use std::{fs, io, path::Path};

use crate::{
    args::{Global, New},
    exit::{Exit, Failure},
    out,
};

/// The files of a new project, with `NAME` where its name goes.
const FILES: [(&str, &str); 4] = [
    ("flow.toml", include_str!("../../template/flow.toml")),
    ("orders.flow", include_str!("../../template/orders.flow")),
    ("events.ndjson", include_str!("../../template/events.ndjson")),
    (".gitignore", "/data\n"),
];

/// Makes a folder with a flow, events for it, and a world to run it in.
///
/// # Errors
/// When something is there already, or the folder can't be made.
pub(crate) fn run(args: &New, global: Global) -> Result<Exit, Failure> {
    let folder = args.name.as_path();
    let name = folder.file_name().and_then(|name| name.to_str()).filter(|name| is_name(name)).ok_or_else(|| {
        Failure::misuse("a project's name has letters, digits, `-`, `_` and `.`, and begins with a letter")
    })?;
    match fs::create_dir(folder) {
        Ok(()) => {}
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
            return Err(Failure::misuse(format!("`{}` is there already; give another name", folder.display())));
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            let parent = folder.parent().unwrap_or(Path::new("."));
            return Err(Failure::misuse(format!("there is no folder `{}`; make it first", parent.display())));
        }
        Err(cause) => return Err(Failure::of_io("make", format!("`{}`", folder.display()), &cause)),
    }
    for (file, text) in FILES {
        let path = folder.join(file);
        fs::write(&path, text.replace("\"NAME\"", &format!("\"{name}\"")))
            .map_err(|cause| Failure::of_io("write", format!("`{}`", path.display()), &cause))?;
    }
    if !global.quiet {
        let at = folder.display();
        out::print(&format!(
            "`{at}` holds a flow, events for it, and a world to run it in. Next:\n\n  \
             flowline check {at}\n  \
             flowline run {at} --events {at}/events.ndjson --simulate --data {at}/data\n  \
             flowline graph sell {at} -o sell.svg\n"
        ))?;
    }
    Ok(Exit::Fine)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

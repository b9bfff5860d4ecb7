//! A system to call over HTTP, as a process that can be killed: `http-system ADDRESS LOG SCRIPT`. It writes its address
//! as its first line, and ends when its input does, so that it never outlives a test.
use std::{io, io::Write, path::Path, process::ExitCode};

use flowline_tests::http_system::{HttpSystem, Script};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, log, script] = args.as_slice() else { return ExitCode::from(2) };
    match serve(address, Path::new(log), Path::new(script)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            drop(writeln!(io::stderr(), "http-system: {cause}"));
            ExitCode::FAILURE
        }
    }
}

fn serve(address: &str, log: &Path, script: &Path) -> io::Result<()> {
    let script: Script = serde_json::from_slice(&std::fs::read(script)?)?;
    let system = HttpSystem::open(address, log, script)?;
    let mut out = io::stdout();
    writeln!(out, "{}", system.address()?)?;
    out.flush()?;
    std::thread::spawn(|| {
        drop(io::copy(&mut io::stdin(), &mut io::sink()));
        std::process::exit(0);
    });
    system.serve()
}

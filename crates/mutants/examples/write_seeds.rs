//! Writes the seeds of all targets to `fuzz/seeds`, where the fuzzer starts from: `cargo run -p patchcore-mutants --example
//! write_seeds`.

use patchcore_mutants::targets;
use std::fs;
use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    if all.exists() {
        fs::remove_dir_all(&all)?;
    }
    for target in targets() {
        let folder = all.join(target.name);
        fs::create_dir_all(&folder)?;
        for (number, seed) in (target.seeds)().iter().enumerate() {
            fs::write(folder.join(format!("{number:02}")), seed)?;
        }
    }
    Ok(())
}

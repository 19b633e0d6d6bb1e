//! Replays the committed corpora, and random inputs from a printed seed, with the plain toolchain.
//!
//!     confd-fuzz-replay [--random N] [--seed S] TARGET=CORPUS.pack…
//!     confd-fuzz-replay --input FILE TARGET            one input, such as one that failed
//!     confd-fuzz-replay --unpack CORPUS.pack FOLDER    each input as a file
//!     confd-fuzz-replay --pack FOLDER CORPUS.pack      the smallest inputs of a folder, as many as are committed

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use std::{env, fs, io, process};

use confd_fuzz_bodies::{begin, counts, pack, run};

/// Bytes of a packed corpus, and inputs in it, at most.
const MOST_BYTES: usize = 190_000;
const MOST_INPUTS: usize = 400;

/// Random inputs have up to as many bytes.
const LONGEST: u64 = 2_000;

/// What runs, to be kept if it fails: its target, and its bytes.
static RUNNING: Mutex<(String, Vec<u8>)> = Mutex::new((String::new(), Vec::new()));

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["--input", file, target] => fs::read(file).map(|input| {
            begin(target);
            run(target, &input);
        }),
        ["--unpack", packed, folder] => unpack(packed, folder),
        ["--pack", folder, packed] => pack_folder(folder, packed),
        [] => Err(io::Error::other("no target; see the first lines of this program")),
        _ => replay(&words),
    };
    if let Err(error) = done {
        eprintln!("confd-fuzz-replay: {error}");
        process::exit(2);
    }
}

fn replay(words: &[&str]) -> io::Result<()> {
    let bad = |what: &str| io::Error::other(format!("{what}: not as it should be"));
    let mut seed = u64::from(process::id()) ^ env::var("CONFD_FUZZ_SEED").map_or_else(|_| now(), |_| 0);
    let (mut random, mut targets) = (1_000u64, Vec::new());
    let mut rest = words.iter();
    while let Some(&word) = rest.next() {
        match word {
            "--random" => random = rest.next().and_then(|n| n.parse().ok()).ok_or_else(|| bad("--random"))?,
            "--seed" => seed = rest.next().and_then(|n| n.parse().ok()).ok_or_else(|| bad("--seed"))?,
            _ => targets.push(word.split_once('=').ok_or_else(|| bad(word))?),
        }
    }
    println!("seed {seed}");
    for (target, packed) in targets {
        begin(target);
        keep_what_fails();
        let (began, before) = (Instant::now(), counts::seen().1);
        let corpus = pack::unpack(&fs::read(packed)?);
        if corpus.is_empty() {
            return Err(bad(packed));
        }
        for input in &corpus {
            one(target, input.clone());
        }
        // Each target has its own, whatever ran before it.
        let mut numbers = Numbers(seed);
        for _ in 0..random {
            one(target, numbers.input(&corpus));
        }
        let (units, seconds) = (counts::seen().1 - before, began.elapsed().as_secs_f64());
        println!(
            "{target}: {} inputs of the corpus, {random} random ones, {units} units, {seconds:.1} s",
            corpus.len()
        );
    }
    Ok(())
}

fn one(target: &str, input: Vec<u8>) {
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = (target.to_owned(), input.clone());
    run(target, &input);
}

/// Puts the input of a failure into a file, and then fails as before.
fn keep_what_fails() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let (target, input) = &*RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let file = env::temp_dir().join(format!("confd-fuzz-{target}-{}", process::id()));
        eprintln!("The input is in {}: --input {0} {target}", file.display());
        if let Err(error) = fs::write(&file, input) {
            eprintln!("or is not: {error}");
        }
        before(panic);
    }));
}

fn now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos() as u64)
}

/// SplitMix64: numbers enough for inputs.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Noise, or two inputs of the corpus, one behind the other, with some bytes changed.
    fn input(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        if self.below(3) == 0 {
            let len = self.next() % LONGEST;
            return (0..len).map(|_| self.next() as u8).collect();
        }
        let (first, second) = (&corpus[self.below(corpus.len())], &corpus[self.below(corpus.len())]);
        let (cut, start) = (self.below(first.len() + 1), self.below(second.len() + 1));
        let mut input = [&first[..cut], &second[start..]].concat();
        for _ in 0..self.below(8) {
            if !input.is_empty() {
                let at = self.below(input.len());
                input[at] = self.next() as u8;
            }
        }
        input
    }
}

fn unpack(packed: &str, folder: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (number, input) in pack::unpack(&fs::read(packed)?).into_iter().enumerate() {
        fs::write(Path::new(folder).join(format!("packed-{number:04}")), input)?;
    }
    Ok(())
}

fn pack_folder(folder: &str, packed: &str) -> io::Result<()> {
    let mut inputs = Vec::new();
    for entry in fs::read_dir(folder)? {
        inputs.push(fs::read(entry?.path())?);
    }
    inputs.sort_by_key(Vec::len);
    let mut bytes = 0;
    inputs.retain(|input| {
        bytes += input.len() + 4;
        bytes <= MOST_BYTES
    });
    inputs.truncate(MOST_INPUTS);
    println!("{packed}: {} inputs", inputs.len());
    fs::write(packed, pack::pack(inputs))
}

//! Replays the committed corpora, and random inputs from a printed seed, with the plain toolchain.
//!
//!     confd-fuzz-replay [--random N | --bulk SECONDS] [--seed S] TARGET=CORPUS.pack…
//!     confd-fuzz-replay --input FILE TARGET            one input, such as one that failed
//!     confd-fuzz-replay --endless FILE TARGET          one of --bulk, which goes on from a seed
//!     confd-fuzz-replay --unpack CORPUS.pack FOLDER    each input as a file
//!     confd-fuzz-replay --pack CORPUS.pack FOLDER…     the smallest inputs of a folder, as many as are committed, and then
//!                                                      of the next as many as there is room left for

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, io, process};

use confd_fuzz_bodies::{begin, counts, numbers::Numbers, pack, run, run_endless};

/// Bytes of a packed corpus, and inputs in it, at most.
const MOST_BYTES: usize = 190_000;
const MOST_INPUTS: usize = 400;

/// Random inputs have up to as many bytes.
const LONGEST: usize = 2_000;

/// How long an endless input may take before it counts as one that hangs.
const PATIENCE_S: u32 = 300;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["--input", file, target] => fs::read(file).map(|input| {
            begin(target);
            run(target, &input);
        }),
        ["--endless", file, target] => fs::read(file).map(|input| {
            begin(target);
            let (input, seed) = input.split_last_chunk().expect("an input with its seed behind it");
            run_endless(target, input, u64::from_le_bytes(*seed));
        }),
        ["--unpack", packed, folder] => unpack(packed, folder),
        ["--pack", packed, folders @ ..] => pack_folders(folders, packed),
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
    let mut seed = u64::from(process::id()) ^ now();
    let (mut random, mut bulk, mut targets) = (1_000u64, None, Vec::new());
    let mut rest = words.iter();
    while let Some(&word) = rest.next() {
        let mut number = || rest.next().and_then(|n| n.parse().ok()).ok_or_else(|| bad(word));
        match word {
            "--random" => random = number()?,
            "--bulk" => bulk = Some(Duration::from_secs(number()?)),
            "--seed" => seed = number()?,
            _ => targets.push(word.split_once('=').ok_or_else(|| bad(word))?),
        }
    }
    println!("seed {seed}");
    for (target, packed) in targets {
        begin(target);
        let running = Running::new(target);
        let (began, before) = (Instant::now(), counts::seen().1);
        let corpus = pack::unpack(&fs::read(packed)?);
        if corpus.is_empty() {
            return Err(bad(packed));
        }
        for input in &corpus {
            running.one(input.clone(), None)?;
        }
        // Each target has its own, whatever ran before it.
        let mut numbers = Numbers::new(seed);
        let mut ran = 0;
        while bulk.map_or(ran < random, |time| began.elapsed() < time) {
            let input = input(&mut numbers, &corpus);
            running.one(input, bulk.map(|_| numbers.number()))?;
            ran += 1;
        }
        let (units, seconds) = (counts::seen().1 - before, began.elapsed().as_secs_f64());
        println!(
            "{target}: {} inputs of the corpus, {ran} random ones, {units} units, {seconds:.1} s",
            corpus.len()
        );
    }
    Ok(())
}

/// The input that runs is in a file, which stays if the process ends in whatever way.
struct Running {
    target: String,
    file: PathBuf,
}

impl Running {
    fn new(target: &str) -> Running {
        let file = env::temp_dir().join(format!("confd-fuzz-{target}-{}", process::id()));
        let (before, shown) = (std::panic::take_hook(), file.clone());
        std::panic::set_hook(Box::new(move |panic| {
            eprintln!("The input is in {}", shown.display());
            before(panic);
        }));
        Running { target: target.to_owned(), file }
    }

    /// Runs one; behind an endless one stands its seed, in the file.
    fn one(&self, mut input: Vec<u8>, seed: Option<u64>) -> io::Result<()> {
        let Some(seed) = seed else {
            fs::write(&self.file, &input)?;
            run(&self.target, &input);
            return Ok(());
        };
        let length = input.len();
        input.extend_from_slice(&seed.to_le_bytes());
        fs::write(&self.file, &input)?;
        // SAFETY: the function touches nothing of the program; its signal ends the process.
        unsafe { libc::alarm(PATIENCE_S) };
        run_endless(&self.target, &input[..length], seed);
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Not reached by a process that fails. What stays in a folder for such files harms nobody.
        let _ = fs::remove_file(&self.file);
    }
}

fn now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos() as u64)
}

/// Noise once in three times, or two inputs of the corpus, one behind the other, with some bytes changed.
fn input(numbers: &mut Numbers, corpus: &[Vec<u8>]) -> Vec<u8> {
    if numbers.below(3) == 0 {
        let len = numbers.below(LONGEST);
        return (0..len).map(|_| numbers.byte()).collect();
    }
    let mut some = || &corpus[numbers.below(corpus.len())];
    let (first, second) = (some(), some());
    let (cut, start) = (numbers.below(first.len() + 1), numbers.below(second.len() + 1));
    let mut input = [&first[..cut], &second[start..]].concat();
    for _ in 0..numbers.below(8) {
        if !input.is_empty() {
            let at = numbers.below(input.len());
            input[at] = numbers.byte();
        }
    }
    input
}

fn unpack(packed: &str, folder: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (number, input) in pack::unpack(&fs::read(packed)?).into_iter().enumerate() {
        fs::write(Path::new(folder).join(format!("packed-{number:04}")), input)?;
    }
    Ok(())
}

fn pack_folders(folders: &[&str], packed: &str) -> io::Result<()> {
    let (mut inputs, mut bytes): (Vec<Vec<u8>>, usize) = (Vec::new(), 0);
    for folder in folders {
        let mut others = Vec::new();
        for entry in fs::read_dir(folder)? {
            others.push(fs::read(entry?.path())?);
        }
        others.sort_by_key(Vec::len);
        for input in others {
            let size = input.len() + 4;
            if inputs.len() < MOST_INPUTS && bytes + size <= MOST_BYTES && !inputs.contains(&input) {
                bytes += size;
                inputs.push(input);
            }
        }
    }
    println!("{packed}: {} inputs", inputs.len());
    fs::write(packed, pack::pack(inputs))
}

//! The data directory of a cluster node: the key and the list of master candidates that Ganeti keeps there.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::{Code, Error, Result};

/// Where Ganeti keeps its data unless it was built otherwise.
pub const DEFAULT_DIR: &str = "/var/lib/ganeti";

const KEY_FILE: &str = "hmac.key";
const PEERS_FILE: &str = "ssconf_master_candidates_ips";

/// Far more than either file ever has.
const MOST_BYTES: u64 = 1 << 20;

/// What the two files say.
pub struct ClusterData {
    /// Every byte of `hmac.key`.
    pub key: Zeroizing<Vec<u8>>,
    /// The addresses in `ssconf_master_candidates_ips`, with the numbers of their lines.
    pub peers: Vec<(usize, String)>,
    /// How the files looked when they were read.
    pub stamp: Stamp,
}

/// Whether the files are those that were read: their place on the disk, their size and when they were changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp([Option<Look>; 2]);

/// Device, inode, size, seconds and nanoseconds of the last change.
type Look = (u64, u64, u64, i64, i64);

/// A data directory.
#[derive(Clone, Debug)]
pub struct ClusterDir(PathBuf);

impl ClusterDir {
    /// The directory of this path.
    pub fn new(path: &Path) -> Self {
        ClusterDir(path.to_owned())
    }

    /// Reads both files. An error names the file and the reason.
    pub fn read(&self) -> Result<ClusterData> {
        // The stamp is older than what is read: a change in between is found the next time.
        let stamp = self.stamp();
        let key = self.read_file(KEY_FILE)?;
        let list = self.read_file(PEERS_FILE)?;
        let Ok(list) = std::str::from_utf8(&list) else {
            return Err(self.refuse(PEERS_FILE, "it is not text"));
        };
        let mut peers = Vec::new();
        for (index, line) in list.split('\n').enumerate() {
            let line = line.trim_ascii();
            if !line.is_empty() {
                peers.push((index + 1, line.to_owned()));
            }
        }
        if peers.is_empty() {
            return Err(self.refuse(PEERS_FILE, "it names no address"));
        }
        Ok(ClusterData { key, peers, stamp })
    }

    /// How the files look now.
    pub fn stamp(&self) -> Stamp {
        Stamp([KEY_FILE, PEERS_FILE].map(|name| {
            let data = std::fs::metadata(self.0.join(name)).ok()?;
            Some((data.dev(), data.ino(), data.size(), data.mtime(), data.mtime_nsec()))
        }))
    }

    /// What is wrong with a line of the list.
    pub fn bad_line(&self, line: usize, why: &str) -> Error {
        self.refuse(PEERS_FILE, &format!("line {line}: {why}"))
    }

    fn read_file(&self, name: &str) -> Result<Zeroizing<Vec<u8>>> {
        let bytes = read_whole(&self.0.join(name)).map_err(|error| self.refuse(name, &error.to_string()))?;
        if bytes.is_empty() { Err(self.refuse(name, "it is empty")) } else { Ok(bytes) }
    }

    fn refuse(&self, name: &str, why: &str) -> Error {
        Error::with(Code::ClusterDir, format_args!("{}: {why}", self.0.join(name).to_string_lossy()))
    }
}

/// The bytes of a file, in one buffer from the start: a growing one would leave copies of a key behind.
fn read_whole(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    if size > MOST_BYTES {
        return Err(io::Error::other("it is far too large"));
    }
    let mut bytes = Zeroizing::new(vec![0; size as usize + 1]);
    let mut count = 0;
    loop {
        match file.read(&mut bytes[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if count == bytes.len() {
            return Err(io::Error::other("it grows while it is read"));
        }
    }
    bytes.truncate(count);
    Ok(bytes)
}

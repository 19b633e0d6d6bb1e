//! Clients of a data directory whose files hold anything, and change.

use std::fs;
use std::path::{Path, PathBuf};
use std::ptr;

use confdclient::ffi::options::{confd_options_set_external_io, confd_options_set_port};

use crate::api::{Client, MIXED, OK, Options, Plain, Request, c, last_error};
use crate::places::{PORT, Place, V4, V6, find};
use crate::source::Source;

const CLUSTER_DIR: i32 = 14;

/// What the files hold, as far as it is plain what that means.
struct Files {
    /// Not to be taken up, whatever else.
    is_bad: bool,
    /// The places, where all is as it should be.
    places: Option<(&'static [Place], Vec<usize>)>,
}

pub fn run(source: &mut Source) {
    let folder = Folder(std::env::temp_dir().join(format!("confd-fuzz-{}", std::process::id())));
    fs::create_dir_all(&folder.0).expect("a folder");
    let options = Options::new();
    assert_eq!(options.set(confd_options_set_external_io, 1), OK);
    assert_eq!(options.set(confd_options_set_port, PORT), OK);
    let path = c(folder.0.to_str().expect("a path in UTF-8"));
    let mut files = write(source, &folder.0);
    let client = match Client::open(&path, Some(super::on_upcall), ptr::null_mut(), &options) {
        Ok(client) => client,
        Err(code) => {
            return assert!(code == CLUSTER_DIR && files.places.is_none(), "{code}: {}", last_error());
        }
    };
    assert!(!files.is_bad);
    for _ in 0..source.below(4) {
        let next = write(source, &folder.0);
        match client.plain(Plain::Reload) {
            OK => {
                assert!(!next.is_bad);
                files = next;
            }
            code => {
                let same_family = match (&files.places, &next.places) {
                    (Some((a, _)), Some((b, _))) => a[0].peer == b[0].peer,
                    _ => false,
                };
                assert!(!same_family && (code == CLUSTER_DIR || code == MIXED), "{code}: {}", last_error());
            }
        }
        sends_to(client, &files);
    }
    client.free();
}

/// All that leaves goes to the candidates that were taken up last.
fn sends_to(client: Client, files: &Files) {
    let request = Request::new(0, None).expect("a request");
    assert_eq!(client.send(&request, -1, 0, ptr::null_mut()), OK);
    let mut reached = Vec::new();
    while let Ok((_, ip, port)) = client.poll_transmit() {
        if let Some((places, _)) = &files.places {
            reached.push(find(places, &ip, port).expect("a datagram to nowhere"));
        }
    }
    reached.sort_unstable();
    if let Some((_, chosen)) = &files.places {
        assert_eq!(&reached, chosen);
    }
}

/// Writes both files anew.
fn write(source: &mut Source, folder: &Path) -> Files {
    let key = if source.once_in(4) { source.bytes(60) } else { b"a key\n".to_vec() };
    fs::write(folder.join("hmac.key"), &key).expect("a file");
    let (mut list, mut chosen, mut is_plain) = (Vec::new(), Vec::new(), true);
    let places: &'static [Place] = if source.once_in(3) { &V6 } else { &V4 };
    let count = source.below(5);
    for _ in 0..count {
        match source.below(8) {
            0 => {
                list.extend(source.bytes(40));
                is_plain = false;
            }
            1 => list.extend_from_slice(b" \t"),
            place => {
                let place = place % 8;
                list.extend_from_slice(places[place].peer.to_bytes());
                chosen.push(place);
            }
        }
        list.extend_from_slice(source.pick(&[&b"\n"[..], b"\r\n", b" \n", b"\n\n"]));
    }
    fs::write(folder.join("ssconf_master_candidates_ips"), &list).expect("a file");
    chosen.sort_unstable();
    chosen.dedup();
    let is_good = is_plain && !key.is_empty() && !chosen.is_empty();
    let no_address = list.iter().all(u8::is_ascii_whitespace);
    let is_bad = key.is_empty() || no_address || std::str::from_utf8(&list).is_err();
    Files { is_bad, places: is_good.then_some((places, chosen)) }
}

/// A folder that goes with the input.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays there does not change what the next input finds.
        let _ = fs::remove_dir_all(&self.0);
    }
}

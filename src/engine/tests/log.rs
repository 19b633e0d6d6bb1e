//! The log: what it says, and what it never does.

use super::scene::*;
use crate::engine::{Config, LogLevel};

const LOG_LINES: usize = 1_024;

fn scene(log_level: Option<LogLevel>) -> Scene {
    Scene::with(Config { log_level, ..Config::default() }, 3)
}

#[test]
fn only_lines_of_the_asked_level_are_made() {
    for (level, lines) in [
        (None, 0),
        (Some(LogLevel::Error), 0),
        (Some(LogLevel::Warning), 1),
        (Some(LogLevel::Info), 2),
        (Some(LogLevel::Debug), 4),
    ] {
        let mut scene = scene(level);
        let asked = scene.ask(0);
        scene.hear(&reply(&asked.salt), address(99));
        scene.hear(b"rubbish", asked.to[0]);
        scene.engine.update_peers(&peers(2)).unwrap();
        assert_eq!((scene.log().len(), scene.engine.has_log_lines()), (lines, false), "{level:?}");
    }
}

#[test]
fn lines_have_no_control_characters() {
    let mut scene = scene(Some(LogLevel::Debug));
    scene.ask_queued(1);
    scene.transmit_failed("two\nlines\r\u{1b}[31m\u{7f}\u{85}\0");
    let lines = scene.log();
    assert!(lines[0].contains("two?lines??[31m???") && !lines[0].contains(char::is_control), "{}", lines[0]);
}

#[test]
fn lines_that_nobody_takes_are_bounded_and_the_lost_ones_reported() {
    let mut scene = scene(Some(LogLevel::Debug));
    for _ in 0..LOG_LINES + 5 {
        scene.hear(b"rubbish", address(0));
    }
    assert_eq!(scene.engine.lines.len(), LOG_LINES);
    for _ in 0..LOG_LINES {
        assert!(scene.engine.has_log_lines());
        assert!(scene.engine.next_log_line().unwrap().text.starts_with("dropped"));
    }
    assert!(scene.engine.has_log_lines(), "that lines were lost is one, too");
    assert_eq!(scene.log(), ["5 log lines were lost"]);
    assert!(!scene.engine.has_log_lines());
    scene.hear(b"rubbish", address(0));
    assert_eq!(scene.log().len(), 1, "it goes on");
}

#[test]
fn no_byte_of_an_unverified_datagram_is_in_it() {
    let mut scene = scene(Some(LogLevel::Debug));
    let asked = scene.ask(2);
    scene.hear(&reply(&asked.salt), asked.to[0]);
    let spiked = [
        "SPIKE".to_owned(),
        "plj0SPIKE".to_owned(),
        "plj0{\"SPIKE\":1}".to_owned(),
        String::from_utf8(reply("SPIKE")).unwrap(),
        String::from_utf8(reply(&asked.salt)).unwrap().replacen("node1", "SPIKE", 1),
        "plj0{\"msg\":\"SPIKE\",\"salt\":\"SPIKE\",\"hmac\":\"SPIKE\"}".to_owned(),
    ];
    for from in [asked.to[0], asked.to[1], address(99)] {
        for datagram in &spiked {
            scene.hear(datagram.as_bytes(), from);
        }
    }
    let lines = scene.log();
    assert_eq!(lines.len(), 18);
    assert!(lines.iter().all(|line| !line.contains("SPIKE")), "{lines:?}");
    assert!(lines.iter().all(|line| line.contains("10.0.0.")), "but who sent it is");
}

#[test]
fn each_reason_has_words_of_its_own() {
    let mut scene = scene(Some(LogLevel::Debug));
    let asked = scene.ask(2);
    scene.hear(&reply(&asked.salt), asked.to[0]);
    let other = crate::wire::key::Key::new(b"other").unwrap();
    for (datagram, from) in [
        (b"rubbish".to_vec(), asked.to[1]),
        (b"plj0".to_vec(), asked.to[1]),
        (reply("unknown"), asked.to[1]),
        (reply(&asked.salt), asked.to[0]),
        (signed(&other, &asked.salt, "{}"), asked.to[1]),
        (b"plj0".to_vec(), address(99)),
    ] {
        scene.hear(&datagram, from);
    }
    let lines = scene.log();
    for (line, words) in
        lines.iter().zip(["magic", "well-formed", "salt", "already", "signature", "not asked"])
    {
        assert!(line.contains(words), "{line}");
    }
}

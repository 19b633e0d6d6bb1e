//! The log: lines for a person, made only where their level is asked for, and kept until the program takes them.

use crate::engine::Engine;
use crate::engine::event::{LogLevel, LogLine};

/// Log lines kept for a program that does not take them.
const LOG_LINES: usize = 1_024;

impl Engine {
    /// Enters a line into the log if its level is asked for.
    pub(crate) fn log(&mut self, level: LogLevel, line: impl FnOnce() -> String) {
        if self.config.log_level.is_some_and(|least| level >= least) {
            self.add_line(level, &words(line));
        }
    }

    fn add_line(&mut self, level: LogLevel, line: &str) {
        if self.lines.len() == LOG_LINES {
            self.lines_lost += 1;
            return;
        }
        let text = line.replace(char::is_control, "?");
        self.lines.push_back(LogLine { level, text });
    }

    /// The next line of the log, oldest first.
    pub fn next_log_line(&mut self) -> Option<LogLine> {
        let line = self.lines.pop_front();
        if line.is_none() && self.lines_lost > 0 {
            let lost = std::mem::take(&mut self.lines_lost);
            return Some(LogLine { level: LogLevel::Warning, text: format!("{lost} log lines were lost") });
        }
        line
    }

    /// Whether there are log lines.
    pub fn has_log_lines(&self) -> bool {
        !self.lines.is_empty() || self.lines_lost > 0
    }
}

/// Apart from the calls that would log, most of which do not.
#[cold]
#[inline(never)]
fn words(line: impl FnOnce() -> String) -> String {
    line()
}

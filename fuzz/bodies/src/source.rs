//! The bytes of an input, read as choices. When they run out, every choice is the first one.

use crate::numbers::Numbers;

/// What an input says.
pub struct Source<'a> {
    data: &'a [u8],
    /// Where the choices come from behind the input's end, if it goes on there.
    beyond: Option<Numbers>,
}

impl<'a> Source<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Source { data, beyond: None }
    }

    /// An input that random choices follow, without an end.
    pub fn endless(data: &'a [u8], seed: u64) -> Self {
        Source { data, beyond: Some(Numbers::new(seed)) }
    }

    /// Whether nothing follows.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty() && self.beyond.is_none()
    }

    pub fn is_endless(&self) -> bool {
        self.beyond.is_some()
    }

    /// Whether all that the input says has been read, and random choices follow.
    pub fn is_beyond(&self) -> bool {
        self.data.is_empty() && self.beyond.is_some()
    }

    fn next(&mut self) -> Option<u8> {
        match self.data.split_first() {
            Some((&first, rest)) => {
                self.data = rest;
                Some(first)
            }
            None => self.beyond.as_mut().map(Numbers::byte),
        }
    }

    pub fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    /// One of 0 to n - 1, from as many bytes as n has.
    pub fn below(&mut self, n: usize) -> usize {
        let (mut number, mut most) = (0, n.saturating_sub(1));
        while most > 0 {
            let Some(byte) = self.next() else { break };
            number = number << 8 | usize::from(byte);
            most >>= 8;
        }
        number % n.max(1)
    }

    /// True once in n.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// Any integer, often one at the edge of something.
    pub fn integer(&mut self) -> i32 {
        const EDGES: [i32; 14] =
            [0, 1, -1, 2, 3, 7, 11, 12, 10_000, 65_507, 65_508, i32::MAX, i32::MIN, i32::MIN + 1];
        if self.once_in(3) { i32::from_le_bytes([(); 4].map(|()| self.byte())) } else { self.pick(&EDGES) }
    }

    /// Up to `most` bytes as they are.
    pub fn bytes(&mut self, most: usize) -> Vec<u8> {
        let len = self.below(most + 1);
        let len = if self.is_beyond() { len } else { len.min(self.data.len()) };
        (0..len).map(|_| self.byte()).collect()
    }

    /// A text for C: no NUL, mostly UTF-8, mostly short.
    pub fn c_text(&mut self, most: usize) -> Vec<u8> {
        let mut text = match self.below(4) {
            0 => self.bytes(most),
            1 => {
                self.pick(&["", "node1.example.com", "192.0.2.1", "/cluster/a~1b", "br0"]).as_bytes().to_vec()
            }
            2 => self.text(most).into_bytes(),
            _ => {
                let piece = self.pick(&["x", "\u{e9}", "\u{1f600}", "\"", "\\", "\n", "\u{7f}"]);
                let count = self.pick(&[1, 30, 300, 3_000]);
                piece.repeat(count).into_bytes()
            }
        };
        text.retain(|&byte| byte != 0);
        text
    }

    /// A text of characters that are special to somebody.
    pub fn text(&mut self, most: usize) -> String {
        const PIECES: [&str; 24] = [
            "a",
            "b",
            "node",
            ".",
            "0",
            "1",
            "-",
            "/",
            "~",
            "~0",
            "~1",
            "\"",
            "\\",
            "\n",
            "\t",
            "\u{1}",
            "\u{7f}",
            "\u{e9}",
            "\u{ff}",
            "\u{100}",
            "\u{ffff}",
            "\u{1f600}",
            " ",
            "192.0.2.1",
        ];
        let count = self.below(most.min(16) + 1);
        (0..count).map(|_| self.pick(&PIECES)).collect()
    }
}

//! The bytes of an input, read as choices. When they run out, every choice is the first one.

use arbitrary::Unstructured;

/// What an input says.
pub struct Source<'a>(Unstructured<'a>);

impl<'a> Source<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Source(Unstructured::new(data))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or(0)
    }

    /// One of 0 to n - 1.
    pub fn below(&mut self, n: usize) -> usize {
        if n <= 1 { 0 } else { self.0.int_in_range(0..=n - 1).unwrap_or(0) }
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
        if self.once_in(3) { self.0.arbitrary().unwrap_or(0) } else { self.pick(&EDGES) }
    }

    /// Up to `most` bytes as they are.
    pub fn bytes(&mut self, most: usize) -> &'a [u8] {
        let len = self.below(most + 1).min(self.0.len());
        self.0.bytes(len).unwrap_or_default()
    }

    /// A text for C: no NUL, mostly UTF-8, mostly short.
    pub fn c_text(&mut self, most: usize) -> Vec<u8> {
        let mut text = match self.below(4) {
            0 => self.bytes(most).to_vec(),
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

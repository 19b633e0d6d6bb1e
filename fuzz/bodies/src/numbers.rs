//! SplitMix64: random numbers enough for inputs, from a seed.

pub struct Numbers {
    state: u64,
    /// Bytes of the latest number that have not been given, below a 1.
    spare: u64,
}

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Numbers { state: seed, spare: 1 }
    }

    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub fn byte(&mut self) -> u8 {
        if self.spare == 1 {
            // The top byte makes room for the 1: seven are given of each number.
            self.spare = self.number() >> 8 | 1 << 56;
        }
        let byte = self.spare as u8;
        self.spare >>= 8;
        byte
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.number() % n as u64) as usize
    }
}

//! The Mersenne Twister MT19937 with the seeding that numpy's legacy generator and torch share.
//!
//! Only the original's samplers need it: their start points and their projection come from these two streams.

const N: usize = 624;
const M: usize = 397;

/// A stream of 32-bit words.
pub struct Mt19937 {
    state: [u32; N],
    next: usize,
}

impl Mt19937 {
    /// The stream that `numpy.random.seed(seed)` and `torch.manual_seed(seed)` start.
    ///
    /// ```
    /// use patchcore::Mt19937;
    /// assert_eq!(Mt19937::new(5489).word(), 3_499_211_612);
    /// ```
    pub fn new(seed: u32) -> Self {
        let mut state = [0; N];
        let mut value = seed;
        for (i, word) in state.iter_mut().enumerate() {
            if i > 0 {
                value = (value ^ (value >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
            }
            *word = value;
        }
        Self { state, next: N }
    }

    /// The next word.
    pub fn word(&mut self) -> u32 {
        if self.next == N {
            self.refill();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9D2C_5680;
        y ^= (y << 15) & 0xEFC6_0000;
        y ^ (y >> 18)
    }

    fn refill(&mut self) {
        for i in 0..N {
            let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7FFF_FFFF);
            let twist = if y & 1 == 1 { 0x9908_B0DF } else { 0 };
            self.state[i] = self.state[(i + M) % N] ^ (y >> 1) ^ twist;
        }
        self.next = 0;
    }

    /// numpy's legacy `permutation(n)`: Fisher-Yates from the end, places drawn by masked rejection.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below_or_equal(i));
        }
        order
    }

    fn below_or_equal(&mut self, limit: usize) -> usize {
        let mask = u32::MAX >> (limit as u32).leading_zeros();
        loop {
            let value = (self.word() & mask) as usize;
            if value <= limit {
                return value;
            }
        }
    }

    /// torch's uniform numbers in `[-bound, bound)`, one word each, as the default initialisation of a linear layer
    /// draws them; product and sum are rounded once.
    pub fn torch_uniform(&mut self, bound: f32, n: usize) -> Vec<f32> {
        (0..n)
            .map(|_| {
                let unit = (self.word() & 0x00FF_FFFF) as f32 * (1.0 / 16_777_216.0);
                unit.mul_add(bound - -bound, -bound)
            })
            .collect()
    }
}

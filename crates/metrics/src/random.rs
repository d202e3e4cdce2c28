//! A small stream of random numbers, one of its own for every resample.

/// `SplitMix64` (Steele, Lea, Flood 2014).
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// The stream of one resample: streams of different numbers start far apart.
    pub(crate) fn of(seed: u64, number: u64) -> Self {
        let mut of_seed = Self { state: seed };
        let mut of_both = Self { state: of_seed.word() ^ number };
        Self { state: of_both.word() }
    }

    fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A place below `n`, each with the same chance; `n` is at least 1.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        // The upper half of word * n falls on each place equally often, but for the first 2^64 mod n lower halves.
        let n = n as u64;
        let unfair = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.word()) * u128::from(n);
            if product as u64 >= unfair {
                return (product >> 64) as usize;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first words that the authors' code gives for seed 1234567.
    #[test]
    fn the_published_stream() {
        let mut random = Random { state: 1_234_567 };
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([random.word(), random.word(), random.word()], expected);
    }

    #[test]
    fn places_are_even_and_streams_differ() {
        let mut counts = [0; 7];
        let mut random = Random::of(1, 0);
        (0..70_000).for_each(|_| counts[random.below(7)] += 1);
        // Five standard deviations of a binomial count are 463.
        assert!(counts.iter().all(|&count: &i32| (count - 10_000).abs() < 463), "{counts:?}");
        assert_eq!(random.below(1), 0);
        let first = |seed, number| Random::of(seed, number).word();
        assert_ne!(first(1, 0), first(1, 1));
        assert_ne!(first(1, 0), first(0, 1));
    }
}

//! The random split that others make of a data set which has none: the same pictures, so that figures can be compared.
//!
//! `train_test_split(good, train_size=0.8, random_state=42)` of scikit-learn is a permutation by the Mersenne Twister
//! (MT19937, Matsumoto and Nishimura 1998) as `RandomState` of `NumPy` draws it; its first part is tested with.

const N: usize = 624;
const M: usize = 397;

/// The Mersenne Twister.
struct Twister {
    state: [u32; N],
    next: usize,
}

impl Twister {
    fn new(seed: u32) -> Self {
        let mut state = [seed; N];
        for i in 1..N {
            let last = state[i - 1];
            state[i] = (last ^ (last >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        Self { state, next: N }
    }

    fn draw(&mut self) -> u32 {
        if self.next == N {
            for i in 0..N {
                let both = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
                let odd = if both & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + M) % N] ^ (both >> 1) ^ odd;
            }
            self.next = 0;
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// 0 to `most`, all equally likely.
    fn up_to(&mut self, most: u32) -> u32 {
        let mask = u32::MAX.checked_shr(most.leading_zeros()).unwrap_or(0);
        loop {
            let word = self.draw() & mask;
            if word <= most {
                return word;
            }
        }
    }
}

/// For each of `count` good pictures whether it is tested with: a fifth of them, rounded up.
pub(super) fn is_tested(count: usize) -> Vec<bool> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut twister = Twister::new(42);
    for i in (1..count).rev() {
        order.swap(i, twister.up_to(i as u32) as usize);
    }
    let mut tested = vec![false; count];
    for &place in &order[..count.div_ceil(5)] {
        tested[place] = true;
    }
    tested
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(count: usize) -> Vec<usize> {
        let tested = is_tested(count);
        (0..count).filter(|&i| tested[i]).collect()
    }

    #[test]
    fn the_twister_is_the_published_one() {
        let mut twister = Twister::new(5489);
        let last = (0..10_000).map(|_| twister.draw()).last();
        assert_eq!(last, Some(4_123_659_995));
    }

    /// Printed by scikit-learn.
    #[test]
    fn the_split_is_that_of_scikit_learn() {
        assert_eq!(places(5), [1]);
        assert_eq!(places(11), [0, 5, 9]);
        let of_347 = places(347);
        assert_eq!((of_347.len(), of_347.iter().sum::<usize>()), (70, 11_573));
        assert_eq!(of_347[..10], [3, 5, 9, 22, 25, 30, 33, 39, 42, 45]);
    }

    #[test]
    fn few_pictures_are_split_too() {
        assert_eq!((places(0), places(1)), (vec![], vec![0]));
    }
}

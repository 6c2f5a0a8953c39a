//! Chance that repeats with its seed.

use shared::base::clock::Random;

/// Dice of one seed.
#[derive(Clone, Debug)]
pub struct Dice(Random);

impl Dice {
    /// The dice of a seed.
    pub fn new(seed: u64) -> Self {
        Self(Random::seeded(seed))
    }

    /// The dice of a part of what a seed decides: what one part takes changes nothing of the others.
    pub fn of(seed: u64, part: u64) -> Self {
        Self::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23) ^ part.wrapping_mul(0xD134_2543_DE82_EF95))
    }

    /// A number below another; 0 below 0.
    pub fn below(&self, limit: usize) -> usize {
        let drawn = u64::from_le_bytes(self.0.bytes());
        usize::try_from(drawn % (limit.max(1) as u64)).unwrap_or_default()
    }

    /// True so many times of a hundred.
    pub fn percent(&self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of several; none of none.
    pub fn one_of<'a, T>(&self, several: &'a [T]) -> Option<&'a T> {
        several.get(self.below(several.len()))
    }

    /// A seed for further dice.
    pub fn seed(&self) -> u64 {
        u64::from_le_bytes(self.0.bytes())
    }
}

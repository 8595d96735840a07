//! Random bytes, seeded by the host: a run can be replayed. With the feature `getrandom` they feed the crate of that
//! name, and with it everything that is built on it.

use crate::host;

/// Most bytes of one host call, as `wit/imports.wit` says.
const BYTES_MAX: usize = 4_096;

/// Fills `bytes`.
pub fn fill(bytes: &mut [u8]) {
    for part in bytes.chunks_mut(BYTES_MAX) {
        let count = u32::try_from(part.len()).expect("a part is at most 4,096 bytes");
        part.copy_from_slice(&host::random(count));
    }
}

/// The backend that `getrandom` 0.3 and 0.4 look for by name when built with `--cfg getrandom_backend="custom"`.
#[cfg(all(target_arch = "wasm32", feature = "getrandom"))]
#[expect(unsafe_code, reason = "getrandom finds its backend by symbol and hands over a raw buffer")]
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(dest: *mut u8, len: usize) -> Result<(), getrandom::Error> {
    // SAFETY: getrandom promises `len` writable bytes at `dest`; they may be uninitialised, so zeros go first.
    let bytes = unsafe {
        std::ptr::write_bytes(dest, 0, len);
        std::slice::from_raw_parts_mut(dest, len)
    };
    fill(bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A buffer longer than one host call is filled to its end.
    #[test]
    fn long_buffers() {
        let host = crate::testing::Host::new();
        let mut bytes = vec![0_u8; BYTES_MAX * 2 + 1];
        fill(&mut bytes);
        assert_ne!(bytes[BYTES_MAX * 2], 0);
        assert_eq!(host.random_calls(), [4_096, 4_096, 1]);
    }
}

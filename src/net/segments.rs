//! Datagrams in one piece: the kernel takes several of one length for one address at once and cuts them apart on their
//! way out (`UDP_SEGMENT`, Linux 4.18), which saves it most of the work for each.

use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU8, Ordering};

use super::send::Outgoing;
use super::socket::Socket;

/// The most datagrams that every kernel cuts one piece into.
pub(super) const MOST: usize = 64;

/// The longest datagram that is put together with others: longer ones may have to be fragmented on their way, and the
/// kernel does not do both.
const LONGEST: usize = 1_200;

/// The most bytes of a piece: what fits one IP packet.
const PIECE: usize = 64_000;

/// What is known of the kernel's ability.
#[derive(Debug, Default)]
pub(super) struct Ability(AtomicU8);

const UNKNOWN: u8 = 0;
const ABLE: u8 = 1;
const UNABLE: u8 = 2;

/// Room for the control message that tells the kernel where to cut.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Control {
    header: libc::cmsghdr,
    length: u16,
}

impl Control {
    /// Has the kernel cut what `message` holds into datagrams of `length` bytes. `room` keeps the words for it.
    pub(super) fn add(room: &mut MaybeUninit<Control>, message: &mut libc::msghdr, length: u16) {
        let control = room.as_mut_ptr();
        // SAFETY: it is room for a control message, whose bytes are all written, the padding behind the length too:
        // the kernel is shown all of them. The macro only computes a length.
        unsafe {
            control.write_bytes(0, 1);
            (*control).header.cmsg_level = libc::SOL_UDP;
            (*control).header.cmsg_type = libc::UDP_SEGMENT;
            (*control).header.cmsg_len = libc::CMSG_LEN(size_of::<u16>() as u32) as _;
            (*control).length = length;
        }
        message.msg_control = control.cast();
        message.msg_controllen = size_of::<Control>() as _;
    }
}

// The payload follows its header as the kernel looks for it.
const _: () = {
    // SAFETY: this only computes a length.
    let header = unsafe { libc::CMSG_LEN(0) } as usize;
    assert!(std::mem::offset_of!(Control, length) == header);
};

/// How many of the first items of a batch, which is not empty, go in one piece.
pub(super) fn run(batch: &[Outgoing<'_>]) -> usize {
    let first = batch[0];
    let len = first.data.len();
    if !(1..=LONGEST).contains(&len) {
        return 1;
    }
    let most = MOST.min(PIECE / len);
    batch.iter().take(most).take_while(|item| item.data.len() == len && item.to == first.to).count()
}

impl Socket {
    /// Whether the kernel cuts pieces. An older one would send them whole, so it is asked first.
    pub(super) fn can_cut(&self) -> bool {
        match self.segments.0.load(Ordering::Relaxed) {
            UNKNOWN => {
                let able = self.option(libc::SOL_UDP, libc::UDP_SEGMENT).is_ok();
                self.segments.0.store(if able { ABLE } else { UNABLE }, Ordering::Relaxed);
                able
            }
            known => known == ABLE,
        }
    }

    /// Whether a piece was refused because it is one (the device or the route cannot): from now on there are none.
    pub(super) fn cuts_no_more(&self, why: &io::Error) -> bool {
        let able = self.segments.0.load(Ordering::Relaxed) == ABLE;
        let refused = matches!(
            why.raw_os_error(),
            Some(libc::EINVAL | libc::EIO | libc::EMSGSIZE | libc::EOPNOTSUPP | libc::ENOPROTOOPT)
        );
        if able && refused {
            self.segments.0.store(UNABLE, Ordering::Relaxed);
        }
        able && refused
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::super::testing::{open, receive_all};
    use super::*;

    fn send_joined(socket: &Socket, batch: &[Outgoing<'_>]) {
        let sent = socket.send_joined(batch, &mut Vec::new());
        assert!(sent.stopped.is_none() && sent.count == batch.len(), "{sent:?}");
    }

    #[test]
    fn a_run_is_of_one_length_and_one_address_and_fits_a_packet() {
        let (one, other): (SocketAddr, SocketAddr) = (([127, 0, 0, 1], 9).into(), ([127, 0, 0, 2], 9).into());
        let data = [0; 2_000];
        let items = |lengths: &[usize], to| -> Vec<Outgoing<'_>> {
            lengths.iter().map(|&len| Outgoing { data: &data[..len], to }).collect()
        };
        assert_eq!(run(&items(&[300, 300, 300, 299, 300], one)), 3);
        assert_eq!(run(&[items(&[300, 300], one), items(&[300], other)].concat()), 2);
        assert_eq!(run(&items(&[300; 100], one)), MOST);
        assert_eq!(run(&items(&[1_200; 100], one)), 53);
        assert_eq!((run(&items(&[1_201; 2], one)), run(&items(&[0, 0], one))), (1, 1));
    }

    #[test]
    fn pieces_arrive_as_datagrams_in_order() {
        for ip in ["127.0.0.1", "::1"] {
            let ((from, from_addr), (to, to_addr)) = (open(ip, false), open(ip, false));
            let texts: Vec<String> = (0..90).map(|i| format!("{i:0width$}", width = 8 + i / 40)).collect();
            let batch: Vec<_> =
                texts.iter().map(|text| Outgoing { data: text.as_bytes(), to: to_addr }).collect();
            send_joined(&from, &batch);
            assert!(from.can_cut(), "this kernel cuts pieces");
            let expected: Vec<_> = texts.iter().map(|text| (text.clone().into_bytes(), from_addr)).collect();
            assert_eq!(receive_all(&to, texts.len(), &mut Vec::new()), expected);
        }
    }

    #[test]
    fn where_pieces_are_refused_the_datagrams_go_by_themselves() {
        let ((from, from_addr), (to, to_addr)) = (open("127.0.0.1", false), open("127.0.0.1", false));
        // The kernel refuses pieces where it may compute no checksums.
        from.set_option(libc::SOL_SOCKET, libc::SO_NO_CHECK, 1).unwrap();
        let batch = [b"one", b"two", b"six"].map(|data| Outgoing { data, to: to_addr });
        send_joined(&from, &batch);
        assert!(!from.can_cut());
        let expected = [b"one", b"two", b"six"].map(|data| (data.to_vec(), from_addr));
        assert_eq!(receive_all(&to, 3, &mut Vec::new()), expected);
    }
}

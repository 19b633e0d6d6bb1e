-- |
-- What a client has counted.
module Network.Confd.Internal.Stats
  ( Stats (..)
  , withStats
  , PeerStats (..)
  , withPeerStats
  ) where

import Data.Int (Int64)
import Data.Text (Text)
import Data.Word (Word64)
import Foreign.Marshal.Alloc (allocaBytes)
import Foreign.Ptr (Ptr, plusPtr)
import Foreign.Storable (peekByteOff)
import Network.Confd.Internal.Marshal

#include "hs_confd.h"

-- | Counters since the client's creation; the last two are of now.
data Stats = Stats
  { statsRequests :: !Word64
  -- ^ Requests that were accepted.
  , statsDatagramsOut :: !Word64
  -- ^ Datagrams that were sent.
  , statsSendErrors :: !Word64
  -- ^ Datagrams that the system refused to send.
  , statsDatagramsIn :: !Word64
  -- ^ Datagrams that were received.
  , statsReplies :: !Word64
  -- ^ Replies that counted.
  , statsDroppedMagic :: !Word64
  -- ^ Dropped: without the protocol's magic.
  , statsDroppedMalformed :: !Word64
  -- ^ Dropped: not a well-formed datagram of the protocol.
  , statsDroppedSignature :: !Word64
  -- ^ Dropped: signed with another key, altered, or truncated.
  , statsDroppedSalt :: !Word64
  -- ^ Dropped: for no outstanding request.
  , statsDroppedSource :: !Word64
  -- ^ Dropped: from an address that the request was not sent to.
  , statsDroppedDuplicate :: !Word64
  -- ^ Dropped: a further one from an address that has answered.
  , statsDroppedOverflow :: !Word64
  -- ^ Lost in the system because the socket's receive buffer was full.
  , statsExpired :: !Word64
  -- ^ Requests that reached their expiry.
  , statsCancelled :: !Word64
  -- ^ Requests that were cancelled.
  , statsRetries :: !Word64
  -- ^ Datagrams that were sent again.
  , statsRefused :: !Word64
  -- ^ ICMP refusals of what was sent.
  , statsOutstanding :: !Word64
  -- ^ Requests that are outstanding now.
  , statsQueued :: !Word64
  -- ^ Datagrams that wait to be sent now.
  }
  deriving (Eq, Show)

-- | Has a call fill them in, and reads them.
withStats :: (Ptr Stats -> IO ()) -> IO Stats
withStats fill = allocaBytes #{size confd_stats} $ \at -> do
  fill at
  Stats
    <$> #{peek confd_stats, requests} at
    <*> #{peek confd_stats, datagrams_out} at
    <*> #{peek confd_stats, send_errors} at
    <*> #{peek confd_stats, datagrams_in} at
    <*> #{peek confd_stats, replies} at
    <*> #{peek confd_stats, dropped_magic} at
    <*> #{peek confd_stats, dropped_malformed} at
    <*> #{peek confd_stats, dropped_signature} at
    <*> #{peek confd_stats, dropped_salt} at
    <*> #{peek confd_stats, dropped_source} at
    <*> #{peek confd_stats, dropped_duplicate} at
    <*> #{peek confd_stats, dropped_overflow} at
    <*> #{peek confd_stats, expired} at
    <*> #{peek confd_stats, cancelled} at
    <*> #{peek confd_stats, retries} at
    <*> #{peek confd_stats, refused} at
    <*> #{peek confd_stats, outstanding} at
    <*> #{peek confd_stats, queued} at

-- | What is known of a peer.
data PeerStats = PeerStats
  { peerAddress :: !Text
  -- ^ The peer as it was written, with its port where it names one.
  , peerSent :: !Word64
  -- ^ Datagrams that were sent to it.
  , peerAnswered :: !Word64
  -- ^ Requests that it has answered.
  , peerRefused :: !Word64
  -- ^ ICMP refusals (nothing listens there) of what was sent to it.
  , peerRttUs :: !Word64
  -- ^ Its smoothed round trip in microseconds; 0 if none was measured yet.
  , peerRttLastUs :: !Word64
  -- ^ Its last round trip in microseconds; 0 if none was measured yet.
  , peerSerial :: !Int64
  -- ^ The cluster's serial in its last ok answer that carries it; 0 if there was none. Of two peers the one with the
  -- lower serial is the staler.
  }
  deriving (Eq, Show)

-- | Has a call fill them in, and reads them.
withPeerStats :: (Ptr PeerStats -> IO ()) -> IO PeerStats
withPeerStats fill = allocaBytes #{size confd_peer_stats} $ \at -> do
  fill at
  PeerStats
    <$> peekText (#{ptr confd_peer_stats, address} at)
    <*> #{peek confd_peer_stats, sent} at
    <*> #{peek confd_peer_stats, answered} at
    <*> #{peek confd_peer_stats, refused} at
    <*> #{peek confd_peer_stats, rtt_us} at
    <*> #{peek confd_peer_stats, rtt_last_us} at
    <*> #{peek confd_peer_stats, serial} at

{-# LANGUAGE OverloadedStrings #-}

-- |
-- Clients and their queries. Every function may be used from any number of threads at any time.
module Network.Confd.Client
  ( Client

    -- * Making and closing clients
  , withClient
  , withCluster
  , newClient
  , openClient
  , closeClient

    -- * Asking
  , ask
  , askWith
  , query

    -- * Changing a client
  , updatePeers
  , setHmacKey
  , reload

    -- * What a client has counted
  , stats
  , peerStats

    -- * The library
  , neededReplies
  , libraryVersion
  ) where

import Control.Exception
import Data.ByteString (ByteString)
import Data.ByteString.Unsafe (unsafeUseAsCStringLen)
import Data.Int (Int32)
import Data.Text (Text)
import qualified Data.Text as Text
import Data.Word (Word32, Word8)
import qualified Foreign.Concurrent
import Foreign.C.String (CString)
import Foreign.C.Types (CSize)
import Foreign.ForeignPtr (ForeignPtr, touchForeignPtr)
import Foreign.Marshal.Alloc (alloca)
import Foreign.Ptr (Ptr, castPtr, nullPtr)
import Foreign.Storable (peek)
import Network.Confd.Exception
import Network.Confd.Internal.Core
import Network.Confd.Internal.Foreign
import Network.Confd.Internal.Log
import Network.Confd.Internal.Marshal
import Network.Confd.Internal.Reply
import Network.Confd.Internal.Request
import Network.Confd.Internal.Stats
import Network.Confd.Options

-- | A client of the confd daemons of one cluster. Close it with 'closeClient', once; one that nobody refers to any more
-- is closed by the garbage collector, sooner or later.
data Client = Client
  { clientCore :: !Core
  , clientAlive :: !(ForeignPtr ())
  -- ^ What the garbage collector watches: the driver and the library know the rest of the client.
  }

-- | A client for as long as an action runs, by the cluster's key and its master candidates.
withClient
  :: Options
  -> ByteString
  -- ^ Every byte of @hmac.key@, its trailing newline included. The library wipes its own copies; this one lives as
  -- long as the garbage collector lets it.
  -> [Text]
  -- ^ IPv4 or IPv6 addresses of one family, each with its own port where it has one (@192.0.2.1:2000@,
  -- @[2001:db8::1]:2000@).
  -> (Client -> IO a)
  -> IO a
withClient options key peers = bracket (newClient options key peers) closeClient

-- | The same on a node of a cluster, by the files of its data directory.
withCluster
  :: Options
  -> Maybe FilePath
  -- ^ The directory; 'Nothing' for @\/var\/lib\/ganeti@.
  -> (Client -> IO a)
  -> IO a
withCluster options dir = bracket (openClient options dir) closeClient

-- | Makes a client, as 'withClient' does. 'NoPeers', 'BadPeer', 'MixedFamilies', 'InvalidArgument' for an empty key or
-- an option out of range, 'IoError' if the system gives no socket.
newClient :: Options -> ByteString -> [Text] -> IO Client
newClient options key peers = make options $ \to out detail ->
  withKey key $ \bytes len ->
    withTexts peers $ \array n -> c_new to bytes len array n out detail

-- | Makes a client, as 'withCluster' does. 'BadClusterDir' if one of the files is absent, unreadable or malformed.
openClient :: Options -> Maybe FilePath -> IO Client
openClient options dir = make options $ \to out detail ->
  withMaybeText (Text.pack <$> dir) $ \path -> c_open to path out detail

make :: Options -> (Ptr COptions -> Ptr (Ptr Home) -> Ptr CString -> IO Int32) -> IO Client
make options create = do
  maxRequest <- option "optionMaxRequestBytes" 1 65507 (optionMaxRequestBytes options)
  retry <- option "optionRetry" 0 int32 (optionRetry options)
  refresh <- option "optionRefresh" 0 int32 (optionRefresh options)
  buffer <- option "optionReceiveBuffer" 1 int32 (optionReceiveBuffer options)
  withMaybeText (optionBindAddress options) $ \bind -> do
    let written =
          COptions
            { cPort = maybe (-1) fromIntegral (optionPort options)
            , cMaxRequestBytes = maxRequest
            , cRetryMs = retry
            , cRefreshMs = refresh
            , cReceiveBuffer = buffer
            , cBindAddress = bind
            , cLogLevel = maybe (-1) (fromIntegral . fromEnum . fst) (optionLog options)
            }
    -- Masked from the first thing that has to be released to the one that releases all of them.
    mask_ $ do
      log' <- traverse (newLog . snd) (optionLog options)
      let started = do
            home <- withCOptions written $ \to -> alloca $ \out -> checked (create to out) >> peek out
            coreStart home log'
      core <- started `onException` mapM_ endLog log'
      Client core <$> Foreign.Concurrent.newForeignPtr nullPtr (shut core)
 where
  option what least most = maybe (pure (-1)) (ranged what least most)

int32 :: Int
int32 = 2147483647

-- | Ends a client. What runs on it, in whatever thread, ends with 'Closed', and so does every later call. Returns when
-- all is released: memory, descriptors, the client's threads; after that the log function is not called any more. May
-- come from any thread any number of times, also from the log function. Interrupted, it has closed all the same.
closeClient :: Client -> IO ()
closeClient client = do
  shut (clientCore client)
  awaitEnd (clientCore client)
  touchForeignPtr (clientAlive client)

-- | Makes a call on a client, which stays open for it.
on :: Client -> (Ptr Home -> IO a) -> IO a
on client act = calling (clientCore client) act <* touchForeignPtr (clientAlive client)

-- | Asks a question, for its answer: 'askWith' with 'defaultQuery'.
--
-- > withCluster defaultOptions Nothing (`ask` clusterMaster)
ask :: Client -> Request a -> IO a
ask client = askWith client defaultQuery

-- | Asks a question, for its answer. Throws 'NotAnswered' if too few peers have replied in time for an answer to be safe, or
-- the best reply is an error, and 'ConfdException' with 'WrongType' if the answer is not what the request's type has.
askWith :: Client -> QueryOptions -> Request a -> IO a
askWith client options request = do
  result <- query client options request
  case (resultOutcome result, replyAnswer <$> resultReply result) of
    (NoReply, _) -> throwIO (NobodyReplied (resultSent result))
    (_, Nothing) -> throwIO (NobodyReplied (resultSent result))
    (Partial, _) -> throwIO (TooFewReplied (resultReceived result) (resultNeeded result))
    (Answered, Just (Answer answer)) -> pure answer
    (Answered, Just (ErrorAnswer status text)) -> throwIO (ServerError status text)
    (Answered, Just (OtherAnswer mistake)) -> throwIO mistake

-- | Asks a question, for all that is known of the answer. Several peers are asked, and others in the place of those
-- that refuse or stay silent; it ends when enough of them have answered, or the time is over.
--
-- Only the calling green thread waits. Interrupted ('System.Timeout.timeout', 'Control.Concurrent.killThread'), it cancels
-- the query in the library before the exception goes on.
--
-- 'CoverageTooBig', 'RequestTooBig', 'InvalidArgument', 'IoError' if it could be sent to nobody, 'Closed' also if the
-- client is closed meanwhile.
query :: Client -> QueryOptions -> Request a -> IO (Result a)
query client options request = do
  coverage <- case queryCoverage options of
    SomePeers -> pure 0
    AllPeers -> pure (-1)
    Peers count -> ranged "the coverage" 1 int32 count
  timeout <- maybe (pure (-1)) (ranged "the timeout" 0 int32) (queryTimeout options)
  found <- coreQuery (clientCore client) (withForm request coverage timeout)
  touchForeignPtr (clientAlive client)
  either (pure . Left) (toResult request) found >>= either throwIO pure

-- | Replaces the peers, with others of the same address family. Replies to what was sent before still count.
updatePeers :: Client -> [Text] -> IO ()
updatePeers client peers = on client $ \home ->
  withTexts peers $ \array n -> checked (c_update_peers home array n)

-- | Signs new requests with another key. What is outstanding is verified with the key that signed it.
setHmacKey :: Client -> ByteString -> IO ()
setHmacKey client key = on client $ \home ->
  withKey key $ \bytes len -> checked (c_set_hmac_key home bytes len)

-- | Reads the files of a client of 'openClient' again, both or none. 'InvalidArgument' for one of 'newClient'.
reload :: Client -> IO ()
reload client = on client (checked . c_reload)

-- | The key, not copied once more.
withKey :: ByteString -> (Ptr Word8 -> CSize -> IO a) -> IO a
withKey key act = unsafeUseAsCStringLen key $ \(bytes, len) -> act (castPtr bytes) (fromIntegral len)

-- | What the client has counted.
stats :: Client -> IO Stats
stats client = on client $ \home -> withStats (checked . c_stats home)

-- | What the client knows of each peer, in the order of the list without its repetitions.
peerStats :: Client -> IO [PeerStats]
peerStats client = on client (from 0)
 where
  from index home = do
    peer <- try (withPeerStats (checked . c_peer_stats home index))
    case peer of
      Left (ConfdException NotFound _) -> pure []
      Left mistake -> throwIO mistake
      Right known -> (known :) <$> from (index + 1) home

-- | How many replies make an answer safe, for a request that was sent to so many peers.
neededReplies :: Word32 -> Word32
neededReplies = c_needed_replies

-- | The version of the library that the program runs with, such as @0.1.0@.
libraryVersion :: IO Text
libraryVersion = c_version >>= peekText

-- |
-- The C functions in @cbits@, and the fields of their structs.
--
-- None of them calls into Haskell: the library's callbacks are C functions that fill a mailbox. So @unsafe@ is a matter
-- of time alone, since an @unsafe@ call holds up its capability, and with it every garbage collection. Whatever
-- makes system calls, waits for a lock of the library, or does work for others (datagrams of all queries) is @safe@.
-- Each @unsafe@ import says what makes it short.
module Network.Confd.Internal.Foreign
  ( -- * Types
    Home
  , CReply
  , Done (..)
  , peekDone
  , doneReplyTo
  , COptions (..)
  , withCOptions
  , Question (..)
  , withQuestion
  , CMinor (..)
  , withMinor

    -- * Clients
  , c_new
  , c_open
  , c_fd
  , c_ask
  , c_cancel
  , c_process
  , c_close
  , c_reload
  , c_update_peers
  , c_set_hmac_key
  , c_stats
  , c_peer_stats
  , c_inherited
  , c_end
  , c_destroy
  , c_version

    -- * The mailbox
  , c_take_done
  , c_take_lines
  , c_done_free
  , peekLine

    -- * Replies
  , c_reply_free
  , c_reply_status
  , c_reply_protocol
  , c_reply_serial
  , c_reply_answer_json
  , c_reply_error_text
  , c_reply_string
  , c_reply_int
  , c_reply_bool
  , c_reply_double
  , c_reply_count
  , c_reply_kind
  , c_reply_json
  , c_reply_key
  , c_reply_node_ip
  , c_reply_drbd_minor
  , c_needed_replies
  ) where

import Data.Int (Int32, Int64)
import Data.Word (Word16, Word32, Word64, Word8)
import Foreign.C.String (CString)
import Foreign.C.Types (CBool (..), CInt (..), CSize (..))
import Foreign.Marshal.Alloc (allocaBytes)
import Foreign.Ptr (FunPtr, Ptr, plusPtr)
import Foreign.Storable (peekByteOff, pokeByteOff)
import Network.Confd.Internal.Stats (PeerStats, Stats)

#include "hs_confd.h"

-- | A client and its mailbox, @hs_confd@.
data Home

-- | @confd_reply@.
data CReply

-- | What a query has found, without its reply.
data Done = Done
  { doneNext :: !(Ptr Done)
  , doneToken :: !Word64
  , doneError :: !Int32
  , doneOutcome :: !Int32
  , doneReply :: !(Ptr CReply)
  , doneServer :: !CString
  , donePort :: !Word16
  , doneSent :: !Word32
  , doneReceived :: !Word32
  , doneNeeded :: !Word32
  , doneErrors :: !Word32
  , doneConsistent :: !Bool
  }

-- | Reads it. The server's address is good as long as the struct.
peekDone :: Ptr Done -> IO Done
peekDone done =
  Done
    <$> #{peek hs_confd_done, next} done
    <*> #{peek hs_confd_done, token} done
    <*> #{peek hs_confd_done, error} done
    <*> #{peek hs_confd_done, outcome} done
    <*> #{peek hs_confd_done, reply} done
    <*> pure (#{ptr hs_confd_done, server_ip} done)
    <*> #{peek hs_confd_done, server_port} done
    <*> #{peek hs_confd_done, sent} done
    <*> #{peek hs_confd_done, received} done
    <*> #{peek hs_confd_done, needed} done
    <*> #{peek hs_confd_done, errors} done
    <*> ((/= (0 :: Word8)) <$> #{peek hs_confd_done, consistent} done)

-- | Sets whose the reply is: 'Foreign.Ptr.nullPtr' once it is somebody else's.
doneReplyTo :: Ptr Done -> Ptr CReply -> IO ()
doneReplyTo = #{poke hs_confd_done, reply}

-- | The next line of the log, its level and its message, which is good as long as the line.
peekLine :: Ptr () -> IO (Ptr (), Int32, CString)
peekLine line =
  (,,)
    <$> #{peek hs_confd_line, next} line
    <*> #{peek hs_confd_line, level} line
    <*> pure (#{ptr hs_confd_line, message} line)

-- | @hs_confd_options@. What is negative or null stays at the library's default.
data COptions = COptions
  { cPort :: !Int32
  , cMaxRequestBytes :: !Int64
  , cRetryMs :: !Int32
  , cRefreshMs :: !Int32
  , cReceiveBuffer :: !Int64
  , cBindAddress :: !CString
  , cLogLevel :: !Int32
  }

-- | Writes it for a call.
withCOptions :: COptions -> (Ptr COptions -> IO a) -> IO a
withCOptions options act = allocaBytes #{size hs_confd_options} $ \at -> do
  #{poke hs_confd_options, port} at (cPort options)
  #{poke hs_confd_options, max_request_bytes} at (cMaxRequestBytes options)
  #{poke hs_confd_options, retry_ms} at (cRetryMs options)
  #{poke hs_confd_options, refresh_ms} at (cRefreshMs options)
  #{poke hs_confd_options, receive_buffer} at (cReceiveBuffer options)
  #{poke hs_confd_options, bind_address} at (cBindAddress options)
  #{poke hs_confd_options, log_level} at (cLogLevel options)
  act at

-- | @hs_confd_question@.
data Question = Question
  { questionType :: !Int32
  , questionForm :: !Int32
  , questionTexts :: !(Ptr CString)
  , questionFields :: !(Ptr Int32)
  , questionCount :: !CSize
  , questionLink :: !CString
  , questionCoverage :: !Int32
  , questionTimeout :: !Int32
  }

-- | Writes it for a call.
withQuestion :: Question -> (Ptr Question -> IO a) -> IO a
withQuestion question act = allocaBytes #{size hs_confd_question} $ \at -> do
  #{poke hs_confd_question, type} at (questionType question)
  #{poke hs_confd_question, form} at (questionForm question)
  #{poke hs_confd_question, texts} at (questionTexts question)
  #{poke hs_confd_question, fields} at (questionFields question)
  #{poke hs_confd_question, n} at (questionCount question)
  #{poke hs_confd_question, link} at (questionLink question)
  #{poke hs_confd_question, coverage} at (questionCoverage question)
  #{poke hs_confd_question, timeout_ms} at (questionTimeout question)
  act at

-- | @confd_drbd_minor@.
data CMinor = CMinor
  { cMinorNode :: !CString
  , cMinorNumber :: !Int64
  , cMinorInstance :: !CString
  , cMinorDisk :: !CString
  , cMinorRole :: !CString
  , cMinorPeer :: !CString
  }

-- | Has a call fill one in, and reads it.
withMinor :: (Ptr CMinor -> IO ()) -> IO CMinor
withMinor fill = allocaBytes #{size confd_drbd_minor} $ \at -> do
  fill at
  CMinor
    <$> #{peek confd_drbd_minor, node} at
    <*> #{peek confd_drbd_minor, minor} at
    <*> #{peek confd_drbd_minor, instance} at
    <*> #{peek confd_drbd_minor, disk} at
    <*> #{peek confd_drbd_minor, role} at
    <*> #{peek confd_drbd_minor, peer} at

-- Opens sockets, reads files.
foreign import ccall safe "hs_confd_new"
  c_new :: Ptr COptions -> Ptr Word8 -> CSize -> Ptr CString -> CSize -> Ptr (Ptr Home) -> Ptr CString -> IO Int32

foreign import ccall safe "hs_confd_open"
  c_open :: Ptr COptions -> CString -> Ptr (Ptr Home) -> Ptr CString -> IO Int32

foreign import ccall safe "hs_confd_reload"
  c_reload :: Ptr Home -> Ptr CString -> IO Int32

-- Opens descriptors, at the first call.
foreign import ccall safe "hs_confd_fd"
  c_fd :: Ptr Home -> Ptr CString -> IO CInt

-- These send, receive, or make callbacks of any number of queries.
foreign import ccall safe "hs_confd_ask"
  c_ask :: Ptr Home -> Ptr Question -> Word64 -> Ptr CString -> Ptr CString -> IO Int32

foreign import ccall safe "hs_confd_cancel"
  c_cancel :: Ptr Home -> CString -> Ptr CString -> IO Int32

foreign import ccall safe "hs_confd_process"
  c_process :: Ptr Home -> Ptr CString -> IO Int32

foreign import ccall safe "hs_confd_close"
  c_close :: Ptr Home -> Ptr CString -> IO Int32

foreign import ccall safe "hs_confd_end"
  c_end :: Ptr Home -> IO ()

-- These wait for the client's lock, which another thread may hold while it sends and receives.
foreign import ccall safe "hs_confd_update_peers"
  c_update_peers :: Ptr Home -> Ptr CString -> CSize -> Ptr CString -> IO Int32

foreign import ccall safe "hs_confd_set_hmac_key"
  c_set_hmac_key :: Ptr Home -> Ptr Word8 -> CSize -> Ptr CString -> IO Int32

foreign import ccall safe "hs_confd_stats"
  c_stats :: Ptr Home -> Ptr Stats -> Ptr CString -> IO Int32

foreign import ccall safe "hs_confd_peer_stats"
  c_peer_stats :: Ptr Home -> CSize -> Ptr PeerStats -> Ptr CString -> IO Int32

-- Frees memory only, and what was not taken: nothing, as it is used here.
foreign import ccall unsafe "hs_confd_destroy"
  c_destroy :: Ptr Home -> IO ()

-- Asks for the number of the process, which takes well under a microsecond.
foreign import ccall unsafe "hs_confd_inherited"
  c_inherited :: Ptr Home -> IO CBool

-- Swap two pointers under the mailbox's own lock, which nobody holds for longer than that.
foreign import ccall unsafe "hs_confd_take_done"
  c_take_done :: Ptr Home -> IO (Ptr Done)

foreign import ccall unsafe "hs_confd_take_lines"
  c_take_lines :: Ptr Home -> IO (Ptr ())

-- Frees memory only.
foreign import ccall unsafe "hs_confd_done_free"
  c_done_free :: Ptr Done -> IO ()

-- Run by the garbage collector; frees memory only.
foreign import ccall unsafe "&confd_reply_free"
  c_reply_free :: FunPtr (Ptr CReply -> IO ())

-- These return numbers or static texts.
foreign import ccall unsafe "confd_version"
  c_version :: IO CString

foreign import ccall unsafe "confd_needed_replies"
  c_needed_replies :: Word32 -> Word32

foreign import ccall unsafe "confd_reply_status"
  c_reply_status :: Ptr CReply -> IO Int32

foreign import ccall unsafe "confd_reply_protocol"
  c_reply_protocol :: Ptr CReply -> IO Int32

foreign import ccall unsafe "confd_reply_serial"
  c_reply_serial :: Ptr CReply -> IO Int64

foreign import ccall unsafe "confd_reply_answer_json"
  c_reply_answer_json :: Ptr CReply -> IO CString

foreign import ccall unsafe "confd_reply_error_text"
  c_reply_error_text :: Ptr CReply -> IO CString

-- These look into at most 64 KiB of JSON, most of which the reply knows from the time before.
foreign import ccall unsafe "hs_confd_reply_string"
  c_reply_string :: Ptr CReply -> CString -> Ptr CString -> Ptr CString -> IO Int32

foreign import ccall unsafe "hs_confd_reply_int"
  c_reply_int :: Ptr CReply -> CString -> Ptr Int64 -> Ptr CString -> IO Int32

foreign import ccall unsafe "hs_confd_reply_bool"
  c_reply_bool :: Ptr CReply -> CString -> Ptr CBool -> Ptr CString -> IO Int32

foreign import ccall unsafe "hs_confd_reply_double"
  c_reply_double :: Ptr CReply -> CString -> Ptr Double -> Ptr CString -> IO Int32

foreign import ccall unsafe "hs_confd_reply_count"
  c_reply_count :: Ptr CReply -> CString -> Ptr CSize -> Ptr CString -> IO Int32

foreign import ccall unsafe "hs_confd_reply_kind"
  c_reply_kind :: Ptr CReply -> CString -> Ptr Int32 -> Ptr CString -> IO Int32

foreign import ccall unsafe "hs_confd_reply_json"
  c_reply_json :: Ptr CReply -> CString -> Ptr CString -> Ptr CString -> IO Int32

foreign import ccall unsafe "hs_confd_reply_key"
  c_reply_key :: Ptr CReply -> CString -> CSize -> Ptr CString -> Ptr CString -> IO Int32

foreign import ccall unsafe "hs_confd_reply_node_ip"
  c_reply_node_ip :: Ptr CReply -> CSize -> Ptr Int32 -> Ptr CString -> Ptr CString -> IO Int32

foreign import ccall unsafe "hs_confd_reply_drbd_minor"
  c_reply_drbd_minor :: Ptr CReply -> CSize -> Ptr CMinor -> Ptr CString -> IO Int32

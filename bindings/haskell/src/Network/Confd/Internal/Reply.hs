-- |
-- What a query finds, from the mailbox to the types that a program sees.
module Network.Confd.Internal.Reply
  ( Found (..)
  , fromDone
  , toStatus
  , Outcome (..)
  , Result (..)
  , Reply (..)
  , Answer (..)
  , toResult
  ) where

import Data.Int (Int32, Int64)
import Data.Text (Text)
import qualified Data.Text as Text
import Data.Word (Word16, Word32)
import Foreign.ForeignPtr (ForeignPtr, newForeignPtr, withForeignPtr)
import Foreign.Ptr (Ptr, nullPtr)
import Network.Confd.Exception
import Network.Confd.Internal.Foreign
import Network.Confd.Internal.Json
import Network.Confd.Internal.Marshal
import Network.Confd.Internal.Request

-- | A result as it was taken from the mailbox.
data Found = Found !Done !Text !(Maybe (ForeignPtr CReply))

-- | Takes the reply over: from then on the garbage collector releases it. Masked, so that nothing comes between.
fromDone :: Ptr Done -> Done -> IO Found
fromDone at done = do
  server <- peekText (doneServer done)
  reply <-
    if doneReply done == nullPtr
      then pure Nothing
      else do
        owned <- newForeignPtr c_reply_free (doneReply done)
        doneReplyTo at nullPtr
        pure (Just owned)
  pure (Found done server reply)

-- | A status by its number.
toStatus :: Int32 -> Status
toStatus number = case number of
  0 -> StatusOk
  1 -> StatusError
  2 -> StatusNotImplemented
  _ -> StatusOther number

-- | How a query ended.
data Outcome
  = -- | Enough peers have answered for the answer to be safe.
    Answered
  | -- | Some peers, but too few, have answered in time.
    Partial
  | -- | Nobody has answered in time.
    NoReply
  deriving (Eq, Ord, Show, Enum, Bounded)

-- | What a query found.
data Result a = Result
  { resultOutcome :: !Outcome
  -- ^ How it ended.
  , resultReply :: !(Maybe (Reply a))
  -- ^ The best reply so far: an ok one beats an error, among ok ones the highest serial wins.
  , resultSent :: !Word32
  -- ^ Peers that were asked, those included that were asked later in the place of others.
  , resultReceived :: !Word32
  -- ^ Distinct ones of them that have answered.
  , resultNeeded :: !Word32
  -- ^ Replies that make the query 'Answered'.
  , resultErrors :: !Word32
  -- ^ Error replies among those received.
  , resultConsistent :: !Bool
  -- ^ 'False' once two ok replies had one serial and different answers.
  }
  deriving (Eq, Show)

instance Functor Result where
  fmap f result = result {resultReply = fmap f <$> resultReply result}

-- | A verified reply.
data Reply a = Reply
  { replyServer :: !Text
  -- ^ The address of the peer that gave it.
  , replyPort :: !Word16
  -- ^ Its port.
  , replyStatus :: !Status
  -- ^ Whether the server answered the question.
  , replyProtocol :: !Int32
  -- ^ The version of the protocol that the server speaks.
  , replySerial :: !Int64
  -- ^ The configuration's serial: of two ok replies the one with the higher serial is the fresher.
  , replyJson :: !Json
  -- ^ The whole answer, as the server sent it.
  , replyAnswer :: Answer a
  -- ^ What the request's type makes of it.
  }
  deriving (Eq, Show)

instance Functor Reply where
  fmap f reply = reply {replyAnswer = f <$> replyAnswer reply}

-- | The answer of a reply.
data Answer a
  = -- | The answer.
    Answer a
  | -- | The server could not answer; for a person, why.
    ErrorAnswer !Status !Text
  | -- | The server answered with what the request's type has no place for; 'replyJson' has it.
    OtherAnswer !ConfdException
  deriving (Eq, Show)

instance Functor Answer where
  fmap f answer = case answer of
    Answer a -> Answer (f a)
    ErrorAnswer status text -> ErrorAnswer status text
    OtherAnswer mistake -> OtherAnswer mistake

-- | What a program gets to see; 'Left' if there was no end to the query but that of its client.
toResult :: Request a -> Found -> IO (Either ConfdException (Result a))
toResult request (Found done server owned)
  | doneError done /= 0 = pure (Left (ConfdException (Code (doneError done)) (Text.pack "the reply could not be kept")))
  | otherwise = case doneOutcome done of
      0 -> ended Answered
      1 -> ended Partial
      2 -> ended NoReply
      _ -> pure (Left (ConfdException Closed (Text.pack "the client was closed before the query ended")))
 where
  ended outcome = do
    reply <- traverse toReply owned
    pure . Right $
      Result
        { resultOutcome = outcome
        , resultReply = reply
        , resultSent = doneSent done
        , resultReceived = doneReceived done
        , resultNeeded = doneNeeded done
        , resultErrors = doneErrors done
        , resultConsistent = doneConsistent done
        }
  toReply reply = withForeignPtr reply $ \at -> do
    status <- toStatus <$> c_reply_status at
    protocol <- c_reply_protocol at
    serial <- c_reply_serial at
    text <- c_reply_error_text at
    words' <- if text == nullPtr then pure Text.empty else peekText text
    let json = root reply
        answer
          | status == StatusOk = either OtherAnswer Answer (requestDecode request json)
          | otherwise = ErrorAnswer status words'
    pure (Reply server (donePort done) status protocol serial json answer)

{-# LANGUAGE ExistentialQuantification #-}
{-# LANGUAGE PatternSynonyms #-}

-- |
-- What goes wrong, as exceptions. One handler for 'SomeConfdException' takes all of them; one for 'ConfdException'
-- those of the library, and the patterns of 'Code' tell them apart:
--
-- > handle (\e -> case confdCode e of { Closed -> stop; _ -> throwIO e }) (ask client clusterMaster)
module Network.Confd.Exception
  ( -- * All of them
    SomeConfdException (..)

    -- * Those of the library
  , ConfdException (..)
  , Code
      ( Code
      , InvalidArgument
      , BadPeer
      , NoPeers
      , MixedFamilies
      , CoverageTooBig
      , BadRequestType
      , MissingSalt
      , DuplicateSalt
      , RequestTooBig
      , UnknownRequest
      , IoError
      , NotFound
      , WrongType
      , BadClusterDir
      , Busy
      , Closed
      , Internal
      , NoMemory
      )
  , codeNumber

    -- * That a question got no answer
  , NotAnswered (..)

    -- * The status of a reply
  , Status (..)
  ) where

import Control.Exception (Exception (..), SomeException)
import Data.Int (Int32)
import Data.Text (Text)
import qualified Data.Text as Text
import Data.Typeable (cast)
import Data.Word (Word32)

-- | Any exception of this package.
data SomeConfdException = forall e. Exception e => SomeConfdException e

instance Show SomeConfdException where
  showsPrec level (SomeConfdException inner) = showsPrec level inner

instance Exception SomeConfdException where
  displayException (SomeConfdException inner) = displayException inner

toConfd :: Exception e => e -> SomeException
toConfd = toException . SomeConfdException

fromConfd :: Exception e => SomeException -> Maybe e
fromConfd outer = do
  SomeConfdException inner <- fromException outer
  cast inner

-- | A call that the library has refused. It had no effect.
data ConfdException = ConfdException
  { confdCode :: !Code
  -- ^ Which kind of mistake it is.
  , confdDetail :: !Text
  -- ^ What went wrong, for a person: one line, such as @peer 3, "node7", is not an IPv4 or IPv6 address@.
  }
  deriving (Eq, Show)

instance Exception ConfdException where
  toException = toConfd
  fromException = fromConfd
  displayException failure = "confd: " <> Text.unpack (confdDetail failure)

-- | The number of an error of the library. They are patterns and not constructors because a later library may have
-- more of them: what matches none of the patterns is to be treated like any other failure.
newtype Code = Code Int32
  deriving (Eq, Ord)

-- | The number, as in the library's header.
codeNumber :: Code -> Int32
codeNumber (Code number) = number

-- | An argument is outside what the function takes: a number out of range, a text with U+0000, an empty key.
pattern InvalidArgument :: Code
pattern InvalidArgument = Code 1

-- | A peer is not an IPv4 or IPv6 address of one host.
pattern BadPeer :: Code
pattern BadPeer = Code 2

-- | The list of peers is empty.
pattern NoPeers :: Code
pattern NoPeers = Code 3

-- | The peers are not all of one address family, that of the client.
pattern MixedFamilies :: Code
pattern MixedFamilies = Code 4

-- | The coverage asks for more peers than are known.
pattern CoverageTooBig :: Code
pattern CoverageTooBig = Code 5

-- | The request type is none that the library knows.
pattern BadRequestType :: Code
pattern BadRequestType = Code 6

-- | The request has an empty salt. This package makes none.
pattern MissingSalt :: Code
pattern MissingSalt = Code 7

-- | The request's salt has been used. This package uses none twice.
pattern DuplicateSalt :: Code
pattern DuplicateSalt = Code 8

-- | The signed datagram would pass the client's limit on the size of a request.
pattern RequestTooBig :: Code
pattern RequestTooBig = Code 9

-- | No outstanding request has this salt.
pattern UnknownRequest :: Code
pattern UnknownRequest = Code 10

-- | The operating system refused an operation on the socket.
pattern IoError :: Code
pattern IoError = Code 11

-- | There is nothing at this pointer or index.
pattern NotFound :: Code
pattern NotFound = Code 12

-- | The value is there, and is not of the type that was asked for.
pattern WrongType :: Code
pattern WrongType = Code 13

-- | A file of the cluster's data directory is absent, unreadable or malformed.
pattern BadClusterDir :: Code
pattern BadClusterDir = Code 14

-- | The call waits for callbacks, and was made inside one. This package makes none such.
pattern Busy :: Code
pattern Busy = Code 15

-- | The client is closed, or was inherited by a forked process.
pattern Closed :: Code
pattern Closed = Code 16

-- | A defect of the library. The client is of no use any more.
pattern Internal :: Code
pattern Internal = Code 17

-- | Memory could not be had.
pattern NoMemory :: Code
pattern NoMemory = Code 18

instance Show Code where
  showsPrec level code = case code of
    InvalidArgument -> showString "InvalidArgument"
    BadPeer -> showString "BadPeer"
    NoPeers -> showString "NoPeers"
    MixedFamilies -> showString "MixedFamilies"
    CoverageTooBig -> showString "CoverageTooBig"
    BadRequestType -> showString "BadRequestType"
    MissingSalt -> showString "MissingSalt"
    DuplicateSalt -> showString "DuplicateSalt"
    RequestTooBig -> showString "RequestTooBig"
    UnknownRequest -> showString "UnknownRequest"
    IoError -> showString "IoError"
    NotFound -> showString "NotFound"
    WrongType -> showString "WrongType"
    BadClusterDir -> showString "BadClusterDir"
    Busy -> showString "Busy"
    Closed -> showString "Closed"
    Internal -> showString "Internal"
    NoMemory -> showString "NoMemory"
    Code number -> showParen (level > 10) (showString "Code " . showsPrec 11 number)

-- | The status of a reply.
data Status
  = -- | The server answered the question.
    StatusOk
  | -- | The server could not answer.
    StatusError
  | -- | The server does not know the question.
    StatusNotImplemented
  | -- | What no server is known to say.
    StatusOther !Int32
  deriving (Eq, Ord, Show)

-- | That 'Network.Confd.ask' has no answer to give.
data NotAnswered
  = -- | None of so many peers has replied in time.
    NobodyReplied !Word32
  | -- | Some peers have replied in time, too few for the answer to be safe: how many, of how many that it takes.
    TooFewReplied !Word32 !Word32
  | -- | The best reply is an error: its status, and the server's words, such as @unknown entry@.
    ServerError !Status !Text
  deriving (Eq, Show)

instance Exception NotAnswered where
  toException = toConfd
  fromException = fromConfd
  displayException failure = case failure of
    NobodyReplied sent -> "confd: none of " <> show sent <> " peers has replied"
    TooFewReplied received needed ->
      "confd: too few peers have replied: " <> show received <> " of " <> show needed <> " that it takes"
    ServerError _ text -> "confd: the server says: " <> Text.unpack text

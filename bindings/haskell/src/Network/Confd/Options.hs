-- |
-- What a client is told at its creation, and a query when it is asked.
module Network.Confd.Options
  ( -- * Of a client
    Options (..)
  , defaultOptions
  , LogLevel (..)

    -- * Of a query
  , QueryOptions (..)
  , defaultQuery
  , Coverage (..)
  ) where

import Data.Text (Text)
import Data.Word (Word16)

-- | Options of a client; 'Nothing' is the library's default. Times are milliseconds.
--
-- > defaultOptions {optionPort = Just 2000}
--
-- The library has more, which only concern what is sent without a query, and this package sends nothing so.
data Options = Options
  { optionPort :: !(Maybe Word16)
  -- ^ The port of peers that name none of their own. Default: that of ganeti-confd in the services database, else 1814.
  , optionMaxRequestBytes :: !(Maybe Int)
  -- ^ The most bytes of a request's datagram. Default: 4,096, which is what ganeti-confd reads.
  , optionRetry :: !(Maybe Int)
  -- ^ After how long a query that is short of replies asks again; 0 for never. Default: 1,000.
  , optionRefresh :: !(Maybe Int)
  -- ^ How often the peers are brought up to date, from the files of the data directory or by asking the peers; 0 for
  -- never, which is the default.
  , optionReceiveBuffer :: !(Maybe Int)
  -- ^ Bytes asked of the kernel for the socket's receive buffer.
  , optionBindAddress :: !(Maybe Text)
  -- ^ The local address to send from. Default: as the kernel routes.
  , optionLog :: !(Maybe (LogLevel, LogLevel -> Text -> IO ()))
  -- ^ Where lines for the log go, from which level on. The function runs on a green thread of the client's own, one
  -- line at a time and in order: it may block, throw (what it throws is dropped), and use the client. Up to 1,024
  -- lines wait for it; more are dropped, and one line says how many. When 'Network.Confd.closeClient' has returned
  -- it is not called any more.
  }

-- | All of them at the library's defaults.
defaultOptions :: Options
defaultOptions =
  Options
    { optionPort = Nothing
    , optionMaxRequestBytes = Nothing
    , optionRetry = Nothing
    , optionRefresh = Nothing
    , optionReceiveBuffer = Nothing
    , optionBindAddress = Nothing
    , optionLog = Nothing
    }

-- | How much a line of the log matters.
data LogLevel
  = -- | Each dropped datagram and the like, for those who look for a fault.
    LogDebug
  | -- | What changed, such as the peers.
    LogInfo
  | -- | What works, but not as its user would want.
    LogWarning
  | -- | What does not work.
    LogError
  deriving (Eq, Ord, Show, Enum, Bounded)

-- | Options of a query.
data QueryOptions = QueryOptions
  { queryCoverage :: !Coverage
  -- ^ How many peers to ask at first.
  , queryTimeout :: !(Maybe Int)
  -- ^ Milliseconds until the query ends with what there is, 0 or more; 'Nothing' for no limit.
  }
  deriving (Eq, Show)

-- | The library's choice of peers, and five seconds.
defaultQuery :: QueryOptions
defaultQuery = QueryOptions {queryCoverage = SomePeers, queryTimeout = Just 5000}

-- | How many peers to ask at first. They are chosen at random, the ones that lately refused or stayed silent last.
data Coverage
  = -- | Six, or all where there are fewer.
    SomePeers
  | -- | All of them.
    AllPeers
  | -- | So many, 1 or more; 'Network.Confd.Exception.CoverageTooBig' if there are not so many.
    Peers !Int
  deriving (Eq, Show)

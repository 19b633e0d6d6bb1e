-- |
-- A client of ganeti-confd, the read-only query daemon of Ganeti clusters, over libconfdclient.
--
-- > import Network.Confd
-- > import qualified Data.Text.IO as Text
-- >
-- > main :: IO ()
-- > main = withCluster defaultOptions Nothing (`ask` clusterMaster) >>= Text.putStrLn
--
-- A query blocks its green thread and nobody else, with @-threaded@ and without: see "Network.Confd.Client". What may
-- come back is in the types of the requests: see "Network.Confd.Request".
module Network.Confd
  ( module Network.Confd.Client
  , module Network.Confd.Request
  , module Network.Confd.Reply
  , module Network.Confd.Json
  , module Network.Confd.Options
  , module Network.Confd.Stats
  , module Network.Confd.Exception
  ) where

import Network.Confd.Client
import Network.Confd.Exception
import Network.Confd.Json
import Network.Confd.Options
import Network.Confd.Reply
import Network.Confd.Request
import Network.Confd.Stats

-- |
-- What a client has counted, and what it knows of its peers.
module Network.Confd.Stats
  ( Stats (..)
  , PeerStats (..)
  ) where

import Network.Confd.Internal.Stats

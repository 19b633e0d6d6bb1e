{-# LANGUAGE OverloadedStrings #-}

-- |
-- Questions, one function for each of the twelve request types of ganeti-confd, and what their answers are. The type
-- of a 'Request' says what comes back; 'fmap' makes something else of it.
module Network.Confd.Request
  ( Request

    -- * The twelve types
  , ping
  , nodeRole
  , nodePipByInstanceIp
  , nodePipsByInstanceIps
  , clusterMaster
  , clusterMasterFields
  , nodePipList
  , mcPipList
  , instancesIpsList
  , nodeDrbd
  , nodeInstances
  , instanceDisks
  , configQuery
  , dataCollectors

    -- * Other queries, other answers
  , rawRequest
  , withAnswer

    -- * What requests and answers are made of
  , NodeRole (..)
  , NodeIp (..)
  , MasterField (..)
  , DrbdMinor (..)
  ) where

import Control.Monad ((>=>))
import Data.Int (Int32, Int64)
import Data.Text (Text)
import qualified Data.Text as Text
import Foreign.Marshal.Alloc (alloca)
import Foreign.Ptr (nullPtr)
import Foreign.Storable (peek)
import Network.Confd.Exception
import Network.Confd.Internal.Foreign
import Network.Confd.Internal.Json
import Network.Confd.Internal.Marshal
import Network.Confd.Internal.Reply (toStatus)
import Network.Confd.Internal.Request

-- | Is the daemon there? Answered with the version of its configuration.
ping :: Request Int64
ping = Request 0 (Plain Nothing) jsonInt

-- | The role of the node with this name.
nodeRole :: Text -> Request NodeRole
nodeRole name = Request 1 (Plain (Just name)) (jsonInt >=> role)
 where
  role :: Int64 -> Either ConfdException NodeRole
  role number = case number of
    0 -> Right Master
    1 -> Right Candidate
    2 -> Right Offline
    3 -> Right Drained
    4 -> Right Regular
    _ -> Left (ConfdException WrongType ("the answer is " <> Text.pack (show number) <> ", not a node's role"))

-- | The primary IP address of the node that runs the instance with this IP address, which belongs to a link, or to
-- the cluster's default link.
nodePipByInstanceIp
  :: Text
  -- ^ The instance's address.
  -> Maybe Text
  -- ^ The link.
  -> Request Text
nodePipByInstanceIp ip link = Request 2 (Ip ip link) jsonString

-- | The same for any number of instances at once, answered in order, each with its own success or failure.
nodePipsByInstanceIps
  :: [Text]
  -- ^ The instances' addresses.
  -> Maybe Text
  -- ^ The link.
  -> Request [NodeIp]
nodePipsByInstanceIps ips link = Request 2 (Ips ips link) (indexed element)
 where
  element reply index =
    alloca $ \status -> alloca $ \ip -> do
      checked (c_reply_node_ip reply index status ip)
      said <- peek status
      text <- peek ip
      if text == nullPtr then pure (NoNodeIp (toStatus said)) else NodeIp <$> peekText text

-- | The master's name.
clusterMaster :: Request Text
clusterMaster = Request 3 (Plain Nothing) jsonString

-- | Fields of the cluster's master, answered in the order of the fields.
clusterMasterFields :: [MasterField] -> Request [Text]
clusterMasterFields fields = Request 3 (Fields fields) texts

-- | The primary IP addresses of all nodes.
nodePipList :: Request [Text]
nodePipList = Request 4 (Plain Nothing) texts

-- | The primary IP addresses of the master candidates.
mcPipList :: Request [Text]
mcPipList = Request 5 (Plain Nothing) texts

-- | The IP addresses of the instances on a link, or on the cluster's default link.
instancesIpsList
  :: Maybe Text
  -- ^ The link.
  -> Request [Text]
instancesIpsList link = Request 6 (Plain link) texts

-- | The DRBD minors of the node with this name.
nodeDrbd :: Text -> Request [DrbdMinor]
nodeDrbd name = Request 7 (Plain (Just name)) (indexed element)
 where
  element reply index = do
    minor <- withMinor (checked . c_reply_drbd_minor reply index)
    DrbdMinor
      <$> peekText (cMinorNode minor)
      <*> pure (cMinorNumber minor)
      <*> peekText (cMinorInstance minor)
      <*> peekText (cMinorDisk minor)
      <*> peekText (cMinorRole minor)
      <*> peekText (cMinorPeer minor)

-- | The instances of the node with this name: two lists of objects, those that it is the primary node of and those
-- that it is the secondary node of.
nodeInstances :: Text -> Request Json
nodeInstances name = Request 8 (Plain (Just name)) Right

-- | The disks of the instance with this name or UUID, a list of objects.
instanceDisks :: Text -> Request Json
instanceDisks name = Request 9 (Plain (Just name)) Right

-- | Any part of the configuration, by its RFC 6901 JSON pointer, such as @\/cluster\/cluster_name@. A part that does
-- not fit into a datagram is never answered.
configQuery :: Text -> Request Json
configQuery pointer = Request 10 (Plain (Just pointer)) Right

-- | The data collectors of the monitoring daemon, an object.
dataCollectors :: Request Json
dataCollectors = Request 11 (Plain Nothing) Right

-- | A request of any type, with a query in JSON: @null@, a string or an object. For what a later server understands.
rawRequest
  :: Int32
  -- ^ The request type, 0 to 11.
  -> Text
  -- ^ The query.
  -> Request Json
rawRequest number query = Request number (QueryJson query) Right

-- | Makes something else of the answer, where that may fail. With a JSON library:
--
-- > withAnswer (either (Left . ConfdException WrongType . pack) Right . eitherDecodeStrict . jsonText) (instanceDisks name)
withAnswer :: (a -> Either ConfdException b) -> Request a -> Request b
withAnswer make request = request {requestDecode = requestDecode request >=> make}

texts :: Json -> Either ConfdException [Text]
texts = jsonElements >=> mapM jsonString

-- | The role of a node.
data NodeRole = Master | Candidate | Offline | Drained | Regular
  deriving (Eq, Ord, Show, Enum, Bounded)

-- | What became of one of the addresses of 'nodePipsByInstanceIps'.
data NodeIp
  = -- | The primary IP address of the node that runs the instance.
    NodeIp !Text
  | -- | There is none: no instance has the address, or no peer has answered for it.
    NoNodeIp !Status
  deriving (Eq, Ord, Show)

-- | A DRBD minor of a node.
data DrbdMinor = DrbdMinor
  { drbdNode :: !Text
  -- ^ The node's name.
  , drbdNumber :: !Int64
  -- ^ The number of the minor.
  , drbdInstance :: !Text
  -- ^ The instance's name.
  , drbdDisk :: !Text
  -- ^ The disk, such as @disk\/0@.
  , drbdRole :: !Text
  -- ^ @primary@ or @secondary@.
  , drbdPeer :: !Text
  -- ^ The name of the node at the other end.
  }
  deriving (Eq, Ord, Show)

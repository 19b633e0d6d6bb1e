{-# LANGUAGE OverloadedStrings #-}

-- |
-- Each request type, and what its answer becomes.
module Requests (requests) where

import Data.Foldable (for_)
import Data.List (sort)
import qualified Data.Text as Text
import Harness
import Network.Confd
import Sim

requests :: [Test]
requests =
  [ Test "ping gives the version of the configuration" $ answers ping (`equals` 3000000)
  , Test "node roles are all told apart" . asking $ \client ->
      for_ roles $ \(name, role) -> ask client (nodeRole name) >>= (`equals` role)
  , Test "an instance's address leads to its node" $ do
      answers (nodePipByInstanceIp "198.51.100.1" Nothing) (`equals` "192.0.2.11")
      answers (nodePipByInstanceIp "198.51.100.3" (Just "br1")) (`equals` "192.0.2.13")
  , Test "addresses of instances are answered in order, each with its own status" $
      answers (nodePipsByInstanceIps ["198.51.100.2", "203.0.113.9", "198.51.100.1"] Nothing) $ \found ->
        case found of
          [NodeIp "192.0.2.12", NoNodeIp status, NodeIp "192.0.2.11"] ->
            holds "the unknown one has an error" (status /= StatusOk)
          _ -> found `equals` []
  , Test "no addresses, no answers" $ answers (nodePipsByInstanceIps [] Nothing) (`equals` [])
  , Test "the master's name" $ answers clusterMaster (`equals` "node1.example.com")
  , Test "fields of the master in the order asked for" $
      answers
        (clusterMasterFields [ClusterIp, MasterNodeIp, MasterName])
        (`equals` ["192.0.2.10", "192.0.2.11", "node1.example.com"])
  , Test "addresses of all nodes" . answers nodePipList $ \found ->
      sort found `equals` ["192.0.2." <> end | end <- ["11", "12", "13", "14", "15", "16"]]
  , Test "addresses of the master candidates" . answers mcPipList $ \found ->
      sort found `equals` ["192.0.2.11", "192.0.2.12", "192.0.2.13"]
  , Test "addresses of the instances on a link" $ do
      answers (instancesIpsList (Just "br1")) (`equals` ["198.51.100.3"])
      answers (instancesIpsList Nothing) $ \found ->
        holds "the default link has another instance" ("198.51.100.1" `elem` found)
  , Test "DRBD minors with all their fields" . answers (nodeDrbd "node3.example.com") $ \found ->
      found
        `equals` [ DrbdMinor
                     { drbdNode = "node3.example.com"
                     , drbdNumber = 0
                     , drbdInstance = "db.example.com"
                     , drbdDisk = "disk/0"
                     , drbdRole = "secondary"
                     , drbdPeer = "node2.example.com"
                     }
                 ]
  , Test "instances of a node as JSON" . answers (nodeInstances "node2.example.com") $ \json -> do
      (jsonAt "/0/0/name" json >>= jsonString) `equals` Right "db.example.com"
      (jsonAt "/1/0/name" json >>= jsonString) `equals` Right "web.example.com"
  , Test "disks of an instance as JSON" . answers (instanceDisks "web.example.com") $ \json -> do
      jsonCount json `equals` Right 2
      traverse (\disk -> jsonAt "/size" disk >>= jsonInt) (either (const []) id (jsonElements json))
        `equals` Right [10240, 2048]
  , Test "a part of the configuration" . answers (configQuery "/cluster/cluster_name") $ \json -> do
      jsonString json `equals` Right "cluster.example.com"
      jsonText json `equals` "\"cluster.example.com\""
  , Test "data collectors are an object" . answers dataCollectors $ \json -> jsonKind json `equals` Right JsonObject
  , Test "a request in JSON" $
      answers (rawRequest 1 "\"node4.example.com\"") $ \json -> jsonInt json `equals` Right 4
  , Test "answers are made into something else" $ do
      answers (Text.length <$> clusterMaster) (`equals` 17)
      answers (withAnswer (\json -> jsonAt "/0" json >>= jsonKind) (instanceDisks "web.example.com")) (`equals` JsonObject)
  , Test "a result says who answered, and how many" . asking $ \client -> do
      result <- query client defaultQuery {queryCoverage = AllPeers} clusterMaster
      resultOutcome result `equals` Answered
      (resultSent result, resultNeeded result, resultErrors result) `equals` (3, neededReplies 3, 0)
      holds "enough have answered" (resultReceived result >= 2)
      resultConsistent result `equals` True
      case resultReply result of
        Nothing -> holds "there is a reply" False
        Just reply -> do
          holds "the server is one of them" (replyServer reply `elem` ["127.0.0.1", "127.0.0.2", "127.0.0.3"])
          holds "it has a port" (replyPort reply > 0)
          (replyStatus reply, replyProtocol reply, replySerial reply) `equals` (StatusOk, 1, 42)
          replyAnswer reply `equals` Answer "node1.example.com"
  , Test "a name that is not known is an error of the server" . asking $ \client -> do
      result <- query client defaultQuery (nodeRole "nobody.example.com")
      case replyAnswer <$> resultReply result of
        Just (ErrorAnswer StatusError text) -> holds "it says why" (not (Text.null text))
        other -> holds ("it is an error: " <> show other) False
  , Test "an answer of another shape is kept as JSON" . odd' $ \client -> do
      result <- query client defaultQuery clusterMaster
      case resultReply result of
        Just reply -> do
          case replyAnswer reply of
            OtherAnswer mistake -> confdCode mistake `equals` WrongType
            other -> holds ("it is no name: " <> show other) False
          jsonText (replyJson reply) `equals` "17"
        Nothing -> holds "there is a reply" False
      failsWith WrongType (ask client clusterMaster)
      failsWith WrongType (ask client (nodeRole "odd"))
      failsWith WrongType (ask client (nodeDrbd "odd"))
      failsWith WrongType (ask client nodePipList)
      failsWith WrongType (ask client (nodePipsByInstanceIps ["192.0.2.1"] Nothing))
  , Test "values of JSON are found, and told apart" . odd' $ \client -> do
      json <- ask client (configQuery "/odd")
      jsonKeys json `equals` Right ["a/b~c", "half", "list", "nothing", "nul", "yes", "z"]
      (jsonMember "a/b~c" json >>= jsonInt) `equals` Right (-5)
      (jsonAt "/a~1b~0c" json >>= jsonInt) `equals` Right (-5)
      (jsonMember "z" json >>= jsonString) `equals` Right "gr\252n \8364"
      (jsonMember "half" json >>= jsonDouble) `equals` Right 0.5
      (jsonMember "yes" json >>= jsonBool) `equals` Right True
      (jsonMember "nothing" json >>= jsonKind) `equals` Right JsonNull
      (jsonMember "list" json >>= jsonElements >>= mapM jsonKind)
        `equals` Right [JsonNumber, JsonArray, JsonString, JsonBool]
      (jsonMember "list" json >>= jsonAt "/1" >>= jsonCount) `equals` Right 0
      code (jsonMember "nul" json >>= jsonString) `equals` Just WrongType
      fmap jsonText (jsonMember "nul" json) `equals` Right "\"a\\u0000b\""
      code (jsonMember "absent" json) `equals` Just NotFound
      code (jsonAt "no slash" json) `equals` Just InvalidArgument
      code (jsonAt "/z\0" json) `equals` Just InvalidArgument
      code (jsonString json) `equals` Just WrongType
      code (jsonMember "half" json >>= jsonInt) `equals` Just WrongType
      code (jsonElements json) `equals` Just WrongType
      code (jsonMember "list" json >>= jsonKeys) `equals` Just WrongType
  , Test "a reply outlives its client" $ do
      json <- asking $ \client -> ask client (instanceDisks "web.example.com")
      (jsonAt "/1/size" json >>= jsonInt) `equals` Right 2048
  , Test "a list of addresses for many datagrams is answered in order" . asking $ \client -> do
      found <- ask client (nodePipsByInstanceIps (concat (replicate 600 ["198.51.100.1", "198.51.100.2"])) Nothing)
      found `equals` concat (replicate 600 [NodeIp "192.0.2.11", NodeIp "192.0.2.12"])
  ]
 where
  roles =
    [ ("node1.example.com", Master)
    , ("node2.example.com", Candidate)
    , ("node4.example.com", Regular)
    , ("node5.example.com", Drained)
    , ("node6.example.com", Offline)
    ]
  code :: Either ConfdException a -> Maybe Code
  code = either (Just . confdCode) (const Nothing)

asking :: (Client -> IO a) -> IO a
asking = withSimClient [] defaultOptions

answers :: Request a -> (a -> IO ()) -> IO ()
answers request judge = asking $ \client -> ask client request >>= judge

-- | Servers with answers of the wrong shape, and with JSON of every kind.
odd' :: (Client -> IO ()) -> IO ()
odd' act = withConfig config $ \path -> withSimClient [path] defaultOptions act
 where
  config =
    concat
      [ "{\"key\": \"test key\\n\", \"candidates\": [], \"faults\": {\"utf8\": true}, \"answers\": ["
      , "{\"type\": 3, \"status\": 0, \"answer\": 17, \"serial\": 1},"
      , "{\"type\": 1, \"status\": 0, \"answer\": 9, \"serial\": 1},"
      , "{\"type\": 7, \"status\": 0, \"answer\": [[\"node\"]], \"serial\": 1},"
      , "{\"type\": 4, \"status\": 0, \"answer\": [\"192.0.2.1\", 2], \"serial\": 1},"
      , "{\"type\": 2, \"status\": 0, \"answer\": [\"192.0.2.1\"], \"serial\": 1},"
      , "{\"type\": 10, \"query\": \"/odd\", \"status\": 0, \"serial\": 1, \"answer\": {\"z\": \"gr\\u00fcn \\u20ac\","
      , " \"a/b~c\": -5, \"list\": [1, [], \"\", false], \"nul\": \"a\\u0000b\", \"half\": 0.5, \"yes\": true,"
      , " \"nothing\": null}}]}"
      ]

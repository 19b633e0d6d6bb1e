{-# LANGUAGE ScopedTypeVariables #-}

-- |
-- What a request is made of.
module Network.Confd.Internal.Request
  ( Request (..)
  , Form (..)
  , MasterField (..)
  , withForm
  ) where

import Data.Int (Int32)
import Data.Text (Text)
import Foreign.C.String (CString)
import Foreign.C.Types (CSize)
import Foreign.Marshal.Array (withArrayLen)
import Foreign.Ptr (Ptr, nullPtr)
import Network.Confd.Exception
import Network.Confd.Internal.Foreign
import Network.Confd.Internal.Json
import Network.Confd.Internal.Marshal

-- | A question whose answer is an @a@. It is a value: it may be asked any number of times, of any client.
data Request a = Request
  { requestNumber :: !Int32
  , requestForm :: !Form
  , requestDecode :: Json -> Either ConfdException a
  }

instance Functor Request where
  fmap f request = request {requestDecode = fmap f . requestDecode request}

-- | The forms that a query has.
data Form
  = Plain !(Maybe Text)
  | Ip !Text !(Maybe Text)
  | Ips ![Text] !(Maybe Text)
  | Fields ![MasterField]
  | QueryJson !Text

-- | What 'Network.Confd.Request.clusterMasterFields' can ask for.
data MasterField
  = -- | The master's name.
    MasterName
  | -- | The cluster's IP address.
    ClusterIp
  | -- | The primary IP address of the master node.
    MasterNodeIp
  deriving (Eq, Ord, Show, Enum, Bounded)

-- | Writes a request for a call, with a coverage and a timeout.
withForm :: forall a b. Request a -> Int32 -> Int32 -> (Ptr Question -> IO b) -> IO b
withForm request coverage timeout act = case requestForm request of
  Plain Nothing -> question 0 nullPtr nullPtr 0 nullPtr
  Plain (Just text) -> withTexts [text] $ \texts n -> question 0 texts nullPtr n nullPtr
  Ip ip link -> withTexts [ip] $ \texts n -> withMaybeText link $ \l -> question 1 texts nullPtr n l
  Ips ips link -> withTexts ips $ \texts n -> withMaybeText link $ \l -> question 2 texts nullPtr n l
  Fields fields -> withArrayLen (map fieldNumber fields) $ \n numbers ->
    question 3 nullPtr numbers (fromIntegral n) nullPtr
  QueryJson json -> withTexts [json] $ \texts n -> question 4 texts nullPtr n nullPtr
 where
  -- The numbers are those of HS_CONFD_PLAIN and the following.
  question :: Int32 -> Ptr CString -> Ptr Int32 -> CSize -> CString -> IO b
  question form texts fields n link =
    withQuestion (Question (requestNumber request) form texts fields n link coverage timeout) act

fieldNumber :: MasterField -> Int32
fieldNumber field = case field of
  MasterName -> 0
  ClusterIp -> 1
  MasterNodeIp -> 2

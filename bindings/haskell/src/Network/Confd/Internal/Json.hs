{-# LANGUAGE OverloadedStrings #-}

-- |
-- Values of a reply, read in place. A reply never changes, and any number of threads may read it at once: what is
-- found in it is a pure function of it.
module Network.Confd.Internal.Json
  ( Json
  , root
  , indexed
  , jsonText
  , JsonKind (..)
  , jsonKind
  , jsonAt
  , jsonMember
  , jsonKeys
  , jsonElements
  , jsonCount
  , jsonString
  , jsonInt
  , jsonDouble
  , jsonBool
  ) where

import Control.Exception (try)
import Data.ByteString (ByteString)
import qualified Data.ByteString as ByteString
import Data.Int (Int32, Int64)
import Data.Text (Text)
import qualified Data.Text as Text
import Data.Text.Encoding (decodeUtf8With)
import Data.Text.Encoding.Error (lenientDecode)
import Foreign.C.String (CString)
import Foreign.C.Types (CBool, CSize)
import Foreign.ForeignPtr (ForeignPtr, withForeignPtr)
import Foreign.Marshal.Alloc (alloca)
import Foreign.Ptr (Ptr, nullPtr)
import Foreign.Storable (Storable, peek)
import Network.Confd.Exception
import Network.Confd.Internal.Foreign
import Network.Confd.Internal.Marshal
import System.IO.Unsafe (unsafePerformIO)

-- | A JSON value of an answer.
data Json = Json
  { jsonReply :: !(ForeignPtr CReply)
  , jsonPointer :: !Text
  , jsonText :: ByteString
  -- ^ The value as JSON text in UTF-8, as the server sent it.
  }

-- | By the text: numbers in another form, or members in another order, make another value.
instance Eq Json where
  one == other = jsonText one == jsonText other

-- | Its text.
instance Show Json where
  showsPrec level = showsPrec level . decodeUtf8With lenientDecode . jsonText

-- | The whole of a reply's answer.
root :: ForeignPtr CReply -> Json
root reply = Json reply "" . unsafePerformIO $
  withForeignPtr reply $ \at -> c_reply_answer_json at >>= bytes

-- | What there is at a pointer, which is known to lead to a value.
within :: Json -> Text -> Json
within json pointer = found
 where
  -- The pointer led somewhere when it was made, and replies do not change: there is no other case.
  found = Json (jsonReply json) pointer (either (const "null") id (look c_reply_json bytes found))

bytes :: CString -> IO ByteString
bytes text
  | text == nullPtr = pure "null"
  | otherwise = ByteString.packCString text

-- | Asks the library for a value.
look
  :: Storable a
  => (Ptr CReply -> CString -> Ptr a -> Ptr CString -> IO Int32)
  -> (a -> IO b)
  -> Json
  -> Either ConfdException b
look call convert json = unsafePerformIO . try $
  withForeignPtr (jsonReply json) $ \reply ->
    withText (jsonPointer json) $ \pointer ->
      alloca $ \out -> do
        checked (call reply pointer out)
        peek out >>= convert

-- | The elements of the whole answer, by a function that takes an index.
indexed :: (Ptr CReply -> CSize -> IO b) -> Json -> Either ConfdException [b]
indexed call json = do
  count <- jsonCount json
  unsafePerformIO . try $
    withForeignPtr (jsonReply json) $ \reply -> mapM (call reply . fromIntegral) (upTo count)

upTo :: Int -> [Int]
upTo count = takeWhile (< count) [0 ..]

-- | The kinds of JSON values.
data JsonKind = JsonNull | JsonBool | JsonNumber | JsonString | JsonArray | JsonObject
  deriving (Eq, Ord, Show, Enum, Bounded)

-- | What kind of value it is.
jsonKind :: Json -> Either ConfdException JsonKind
jsonKind json = do
  number <- look c_reply_kind pure json
  case number of
    0 -> Right JsonNull
    1 -> Right JsonBool
    2 -> Right JsonNumber
    3 -> Right JsonString
    4 -> Right JsonArray
    5 -> Right JsonObject
    _ -> Left (ConfdException WrongType "a kind of value that JSON does not have")

-- | The value at an RFC 6901 JSON pointer, @""@ being the value itself: @"\/0\/name"@ is the member @name@ of the
-- first element. 'NotFound' if nothing is there, 'InvalidArgument' if the pointer is malformed.
jsonAt :: Text -> Json -> Either ConfdException Json
jsonAt pointer json = found <$ jsonKind found
 where
  found = within json (jsonPointer json <> pointer)

-- | A member of an object, by its name as it is, which a pointer would need with @~0@ for @~@ and @~1@ for @\/@.
jsonMember :: Text -> Json -> Either ConfdException Json
jsonMember name = jsonAt ("/" <> Text.replace "/" "~1" (Text.replace "~" "~0" name))

-- | The names of an object's members, in the server's order.
jsonKeys :: Json -> Either ConfdException [Text]
jsonKeys json = do
  kind <- jsonKind json
  count <- if kind == JsonObject then jsonCount json else Left (ConfdException WrongType "the value is no object")
  mapM key (upTo count)
 where
  key index = look (\reply pointer -> c_reply_key reply pointer (fromIntegral index)) peekText json

-- | The elements of an array.
jsonElements :: Json -> Either ConfdException [Json]
jsonElements json = do
  kind <- jsonKind json
  count <- if kind == JsonArray then jsonCount json else Left (ConfdException WrongType "the value is no array")
  pure [within json (jsonPointer json <> "/" <> Text.pack (show index)) | index <- upTo count]

-- | How many elements an array has, or members an object.
jsonCount :: Json -> Either ConfdException Int
jsonCount = look c_reply_count (pure . (fromIntegral :: CSize -> Int))

-- | A string. 'WrongType' if it is none, or holds U+0000 or half a surrogate pair: 'jsonText' has it all the same.
jsonString :: Json -> Either ConfdException Text
jsonString = look c_reply_string peekText

-- | An integer: a number without a fraction or an exponent. 'WrongType' if it is none, or does not fit.
jsonInt :: Json -> Either ConfdException Int64
jsonInt = look c_reply_int pure

-- | A number of any kind, as the nearest double.
jsonDouble :: Json -> Either ConfdException Double
jsonDouble = look c_reply_double pure

-- | A boolean.
jsonBool :: Json -> Either ConfdException Bool
jsonBool = look c_reply_bool (pure . (/= (0 :: CBool)))

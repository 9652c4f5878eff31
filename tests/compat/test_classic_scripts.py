"""Programs of the kinds that tutorials for Keras 2 and tf.keras are full of, run by the command."""

from __future__ import annotations

import pytest

ADVERSARIES = """
import numpy as np
from keras.layers import Input, Dense, Dropout
from keras.layers.advanced_activations import LeakyReLU
from keras.models import Sequential, Model
from keras.optimizers import Adam

adam = Adam(0.01, 0.5)  # one for both, as Keras 2 allowed
judge = Sequential([Dense(12, input_dim=5), LeakyReLU(alpha=0.2), Dropout(0.3), Dense(1, activation='sigmoid')])
judge.compile(loss='binary_crossentropy', optimizer=adam, metrics=['accuracy'])
forger = Sequential([Dense(12, activation='relu', input_dim=3), Dense(5)])
judge.trainable = False
seed = Input(shape=(3,))
both = Model(seed, judge(forger(seed)))
both.compile(loss='binary_crossentropy', optimizer=adam)

def moved(model, before):
    return any((a != b).any() for a, b in zip(before, model.get_weights()))

real = np.random.normal(2, 1, (8, 5))
for turn in range(3):
    noise = np.random.normal(size=(8, 3))
    old, old_forger = judge.get_weights(), forger.get_weights()
    loss = 0.5 * np.add(judge.train_on_batch(real, np.ones((8, 1))),
                        judge.train_on_batch(forger.predict(noise), np.zeros((8, 1))))
    assert loss.shape == (2,) and moved(judge, old) and not moved(forger, old_forger)
    old = judge.get_weights()
    both.train_on_batch(noise, np.ones((8, 1)))
    assert moved(forger, old_forger) and not moved(judge, old)
assert judge.trainable_weights == [] and not judge.trainable
"""

ADVERSARIES_TF = """
import tensorflow as tf
from tensorflow import keras

maker = keras.Sequential([keras.layers.Dense(8, activation='selu', input_shape=[2]), keras.layers.Dense(4)])
judge = keras.Sequential([keras.layers.Dense(8, activation='selu', input_shape=[4]),
                          keras.layers.Dense(1, activation='sigmoid')])
judge.compile(loss='binary_crossentropy', optimizer='rmsprop')
judge.trainable = False
whole = keras.Sequential([maker, judge])
whole.compile(loss='binary_crossentropy', optimizer='rmsprop')
data = tf.data.Dataset.from_tensor_slices(tf.random.normal([32, 4])).shuffle(32).batch(8, drop_remainder=True)
for real in data.prefetch(1):
    fake = maker(tf.random.normal(shape=[8, 2]))
    mixed = tf.concat([fake, real], axis=0)
    start = judge.get_weights()[0]
    judge.trainable = True
    judge.train_on_batch(mixed, tf.constant([[0.]] * 8 + [[1.]] * 8))
    now = judge.get_weights()[0]
    judge.trainable = False
    whole.train_on_batch(tf.random.normal(shape=[8, 2]), tf.ones([8, 1]))
    assert (now != start).any() and (judge.get_weights()[0] == now).all()
judge.fit(tf.ones([8, 4]), tf.ones([8, 1]), verbose=0)  # what was compiled counts, in fit too
assert (judge.get_weights()[0] != now).any() and not judge.trainable
"""

LATENT = """
import numpy as np
from keras import backend as K
from keras.layers import Input, Dense, Lambda
from keras.losses import mse, binary_crossentropy
from keras.models import Model
from keras.optimizers import Adam

def draw(args):
    center, spread = args
    shape = (K.shape(center)[0], K.int_shape(center)[1])
    return center + K.exp(spread / 2) * K.random_normal(shape=shape)

seen = Input(shape=(10,), name='seen')
h = Dense(8, activation='relu')(seen)
center, spread = Dense(2, name='center')(h), Dense(2, name='spread')(h)
code = Lambda(draw, output_shape=(2,))([center, spread])
encoder = Model(seen, [center, spread, code])
small = Input(shape=(2,))
decoder = Model(small, Dense(10, activation='sigmoid')(Dense(8, activation='relu')(small)))
shown = decoder(encoder(seen)[2])
vae = Model(seen, shown)
off = binary_crossentropy(seen, shown)
off *= 10
divergence = -0.5 * K.sum(1 + spread - K.square(center) - K.exp(spread), axis=-1)
vae.add_loss(K.mean(off + divergence))
vae.add_metric(K.mean(divergence), name='divergence', aggregation='mean')
vae.compile(optimizer=Adam(lr=0.02))
x = 0.9 + 0.1 * np.random.rand(64, 10)
history = vae.fit(x, epochs=4, batch_size=16, validation_data=(x[:16], None), verbose=0).history
assert set(history) == {'loss', 'divergence', 'val_loss', 'val_divergence'}, history
assert history['loss'][-1] < history['loss'][0]
vae.save_weights('vae.h5')
vae.load_weights('vae.h5')
assert encoder.predict(x)[0].shape == (64, 2) and decoder.predict(np.zeros((1, 2))).shape == (1, 10)
"""

LATENT_IN_LOSS = """
import numpy as np
from keras import backend as K, objectives
from keras.layers import Input, Dense, Lambda
from keras.models import Model
from keras.optimizers import RMSprop

size = 10
seen = Input(batch_shape=(size, 6))
h = Dense(32, activation='relu')(seen)
center, spread = Dense(2)(h), Dense(2)(h)
noisy = Lambda(lambda a: a[0] + K.exp(a[1] / 2) * K.random_normal(shape=(size, 2), mean=0., stddev=1.))
shown = Dense(6, activation='sigmoid')(noisy([center, spread]))

def penalty():
    return -0.5 * K.sum(1 + spread - K.square(center) - K.exp(spread), axis=-1)

def both_losses(x, y):
    return 6 * objectives.binary_crossentropy(x, y) + penalty()

model = Model(seen, shown)
model.compile(optimizer=RMSprop(lr=0.02), loss=both_losses)
x = 0.9 + 0.1 * np.random.rand(40, 6)
before = model.layers[2].get_weights()[0].copy()
losses = model.fit(x, x, nb_epoch=4, batch_size=size, verbose=0, validation_data=(x[:20], x[:20])).history
assert losses['loss'][-1] < losses['loss'][0] and len(losses['val_loss']) == 4
assert (model.layers[2].get_weights()[0] != before).any()
y = model.predict(x, batch_size=size)
"""

TWINS = """
import numpy as np
from keras import backend as K
from keras.layers import Dense, Dropout, Flatten, Input, Lambda
from keras.models import Model, load_model
from keras.optimizers import RMSprop

def apart(pair):
    a, b = pair
    return K.sqrt(K.maximum(K.sum(K.square(a - b), axis=1, keepdims=True), K.epsilon()))

def contrast(y_true, y_pred):
    return K.mean(y_true * K.square(y_pred) + (1 - y_true) * K.square(K.maximum(1 - y_pred, 0)))

def near(y_true, y_pred):
    return K.mean(K.equal(y_true, K.cast(y_pred < 0.5, y_true.dtype)))

x = Input(shape=(5, 5))
body = Model(x, Dense(8, activation='relu')(Dropout(0.1)(Flatten()(x))))
left, right = Input(shape=(5, 5)), Input(shape=(5, 5))
far = Lambda(apart, output_shape=lambda shapes: (shapes[0][0], 1))([body(left), body(right)])
model = Model([left, right], far)
model.compile(loss=contrast, optimizer=RMSprop(), metrics=[near])
a, b = np.random.rand(2, 24, 5, 5)
same = np.random.randint(0, 2, 24)
h = model.fit([a, b], same, batch_size=8, epochs=2, verbose=0, validation_data=([a[:8], b[:8]], same[:8]))
assert set(h.history) == {'loss', 'near', 'val_loss', 'val_near'}
guess = model.predict([a, b]).ravel() < 0.5
assert guess.shape == (24,) and body.get_output_at(1) is not None
"""

TRANSLATOR = """
import numpy as np
from keras.layers import Dense, Input, LSTM
from keras.models import Model, load_model

words, letters, hidden = 6, 5, 7
source = np.eye(words)[np.random.randint(0, words, (12, 4))]
given = np.eye(letters)[np.random.randint(0, letters, (12, 3))]
wanted = np.roll(given, -1, axis=1)
read = Input(shape=(None, words))
_, h, c = LSTM(hidden, return_state=True)(read)
write = Input(shape=(None, letters))
writer = LSTM(hidden, return_sequences=True, return_state=True)
sequence, _, _ = writer(write, initial_state=[h, c])
ending = Dense(letters, activation='softmax')
model = Model([read, write], ending(sequence))
model.compile(optimizer='rmsprop', loss='categorical_crossentropy', metrics=['accuracy'])
history = model.fit([source, given], wanted, batch_size=4, epochs=1, validation_split=0.25, verbose=0)
assert len(history.history['val_acc']) == 1  # as it was called once
model.save('translator.h5')

def taken_apart(writer, ending, read, states):
    h_in, c_in, one = Input(shape=(hidden,)), Input(shape=(hidden,)), Input(shape=(None, letters))
    out, h, c = writer(one, initial_state=[h_in, c_in])
    return Model(read, states), Model([one, h_in, c_in], [ending(out), h, c])

def spell(encoder, decoder):
    states, letter, found = encoder.predict(source[:1], verbose=0), np.zeros((1, 1, letters)), []
    for _ in range(4):
        chances, *states = decoder.predict([letter] + states, verbose=0)
        found.append(int(np.argmax(chances[0, -1])))
        letter = np.eye(letters)[[[found[-1]]]]
    return found

first = spell(*taken_apart(writer, ending, read, [h, c]))
again = load_model('translator.h5')
_, h, c = again.layers[2].output
assert spell(*taken_apart(again.layers[3], again.layers[4], again.input[0], [h, c])) == first
"""

LETTERS = """
import glob
import numpy as np
from keras.callbacks import LambdaCallback, ModelCheckpoint
from keras.layers import Activation, Dense, Dropout, LSTM
from keras.models import Sequential
from keras.optimizers import RMSprop

text = 'a small machine reads letters one by one and guesses the next one. ' * 3
alphabet = sorted(set(text))
number = {c: i for i, c in enumerate(alphabet)}
starts = range(0, len(text) - 8, 3)
x = np.zeros((len(starts), 8, len(alphabet)), dtype=bool)
y = np.zeros((len(starts), len(alphabet)), dtype=bool)
for row, start in enumerate(starts):
    for column, c in enumerate(text[start:start + 8]):
        x[row, column, number[c]] = 1
    y[row, number[text[start + 8]]] = 1
model = Sequential()
model.add(LSTM(8, return_sequences=True, input_shape=(8, len(alphabet))))
model.add(Dropout(0.2))
model.add(LSTM(8))
model.add(Dense(len(alphabet)))
model.add(Activation('softmax'))
model.compile(loss='categorical_crossentropy', optimizer=RMSprop(lr=0.01), metrics=['accuracy'])
written = []

def write(epoch, logs):
    chances = np.log(model.predict(x[:1], verbose=0)[0].astype('float64')) / 0.7
    chances = np.exp(chances) / np.exp(chances).sum()
    written.append(alphabet[np.argmax(np.random.multinomial(1, chances, 1))])

best = ModelCheckpoint('best-{epoch:02d}-{loss:.3f}-{acc:.2f}.hdf5', monitor='loss', save_best_only=True, mode='min',
                       period=1)
model.fit(x, y, batch_size=32, nb_epoch=2, callbacks=[LambdaCallback(on_epoch_end=write), best], verbose=0)
assert len(written) == 2
model.load_weights(sorted(glob.glob('best-*.hdf5'))[-1])
"""

ATTENTION = """
import numpy as np
from keras import backend as K, initializers, regularizers
from keras.callbacks import Callback, CSVLogger, ReduceLROnPlateau, TensorBoard
from keras.engine.topology import Layer
from keras.layers import Bidirectional, CuDNNGRU, Dense, Embedding, GRU, Input, SpatialDropout1D, concatenate
from keras.models import Model

class Weighing(Layer):
    def __init__(self, W_regularizer=None, **kwargs):
        self.supports_masking = True
        self.regularizer = regularizers.get(W_regularizer)
        super(Weighing, self).__init__(**kwargs)

    def build(self, input_shape):
        assert len(input_shape) == 3
        self.W = self.add_weight((input_shape[-1], input_shape[-1]), initializer='glorot_uniform',
                                 name='{}_W'.format(self.name), regularizer=self.regularizer)
        self.u = self.add_weight(name='u', shape=(input_shape[-1], 1), initializer=initializers.get('uniform'))
        super(Weighing, self).build(input_shape)

    def compute_mask(self, input, input_mask=None):
        return None

    def call(self, x, mask=None):
        scores = K.exp(K.squeeze(K.dot(K.tanh(K.dot(x, self.W)), self.u), axis=-1))
        if mask is not None:
            scores *= K.cast(mask, K.floatx())
        scores /= K.cast(K.sum(scores, axis=1, keepdims=True) + K.epsilon(), K.floatx())
        return K.sum(x * K.expand_dims(scores), axis=1)

    def compute_output_shape(self, input_shape):
        return input_shape[0], input_shape[-1]

class Rates(Callback):
    def on_train_begin(self, logs={}):
        self.rates, self.losses = [], []

    def on_batch_end(self, batch, logs={}):
        self.losses.append(logs.get('loss'))

    def on_epoch_end(self, epoch, logs={}):
        self.rates.append(float(K.get_value(self.model.optimizer.lr)))
        x, y, weights = self.validation_data
        assert x.shape == (20, 7) and y.shape[0] == 20 and (weights == 1).all()

x, y = np.random.randint(0, 30, (20, 7)), np.random.randint(0, 2, 20)
words = Input(shape=(7,), dtype='int32')
known = Embedding(30, 6, input_length=7, mask_zero=True, weights=[np.random.rand(30, 6)], trainable=False)(words)
one = Weighing(W_regularizer='l2')(Bidirectional(GRU(4, return_sequences=True))(known))
other = SpatialDropout1D(0.1)(Embedding(30, 6)(words))
other = Weighing()(Bidirectional(CuDNNGRU(4, return_sequences=True))(other))
assert one.shape.as_list() == [None, 8] and one.get_shape()[-1] == 8 and K.int_shape(one) == (None, 8)
assert known.shape[1:].as_list() == [7, 6] and one._keras_shape == (None, 8)
model = Model(words, Dense(2, activation='softmax')(concatenate([one, other])))
model.compile('rmsprop', 'sparse_categorical_crossentropy', metrics=['acc'])
rates = Rates()
board = TensorBoard(log_dir='logs', histogram_freq=0, batch_size=32, write_graph=True, write_grads=False,
                    embeddings_layer_names=None)
slower = ReduceLROnPlateau(monitor='val_acc', factor=0.5, patience=0, epsilon=2.0, min_lr=1e-6)
h = model.fit(x, y, validation_data=(x, y), epochs=3, batch_size=10, verbose=0,
              callbacks=[rates, slower, CSVLogger('log.csv'), board])
assert 'val_accuracy' in h.history and h.history['acc'] == h.history['accuracy']
assert len(rates.losses) == 6 and rates.rates[-1] < rates.rates[0]
"""

TWO_DOORS = """
import numpy as np
import keras
from keras.layers import Dense, Embedding, Input, LSTM
from keras.models import Model, model_from_json

words, numbers, target = np.random.randint(1, 50, (24, 6)), np.random.rand(24, 3), np.random.randint(0, 2, (24, 1))
text = Input(shape=(6,), dtype='int32', name='text')
h = LSTM(5)(Embedding(output_dim=8, input_dim=50, input_length=6)(text))
side = Dense(1, activation='sigmoid', name='side')(h)
facts = Input(shape=(3,), name='facts')
main = Dense(1, activation='sigmoid', name='main')(keras.layers.concatenate([h, facts]))
model = Model(inputs=[text, facts], outputs=[main, side])
model.compile('rmsprop', loss={'main': 'binary_crossentropy', 'side': 'mse'}, metrics={'main': 'accuracy'},
              loss_weights={'main': 1., 'side': 0.2})
h = model.fit({'text': words, 'facts': numbers}, {'main': target, 'side': target}, epochs=2, batch_size=8, verbose=0,
              validation_split=0.25, sample_weight={'main': np.ones(24), 'side': np.full(24, 0.5)})
assert {'main_loss', 'side_loss', 'main_accuracy', 'val_main_loss'} <= set(h.history), h.history.keys()
assert h.history['main_acc'] == h.history['main_accuracy']
score = model.evaluate([words, numbers], [target, target], verbose=0)
assert len(score) == len(model.metrics_names) and model.metrics_names[0] == 'loss'
a, b = model.predict([words, numbers])
twin = model_from_json(model.to_json())
twin.set_weights(model.get_weights())
np.testing.assert_allclose(twin.predict([words, numbers])[0], a, rtol=1e-6)
assert Model.from_config(model.get_config()).count_params() == model.count_params()
for layer in model.layers:
    layer.get_config(), layer.input_shape, layer.output_shape
"""

PICTURES = """
import os
import numpy as np
from keras import backend as K, optimizers
from keras.layers import Activation, Conv2D, Dense, Flatten, MaxPooling2D, ZeroPadding2D
from keras.models import Sequential
from keras.preprocessing.image import ImageDataGenerator, array_to_img, img_to_array, load_img

for part, count in (('train', 6), ('test', 2)):
    for kind in ('owls', 'rats'):
        os.makedirs(os.path.join('data', part, kind))
        for i in range(count):
            array_to_img(np.random.randint(0, 255, (11, 9, 3))).save('data/%s/%s/%d.png' % (part, kind, i))
shape = (3, 8, 8) if K.image_data_format() == 'channels_first' else (8, 8, 3)
model = Sequential()
model.add(ZeroPadding2D((1, 1), input_shape=shape))
model.add(Conv2D(4, (3, 3)))
model.add(Activation('relu'))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Flatten())
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer=optimizers.SGD(lr=1e-3, momentum=0.9), metrics=['accuracy'])
varied = ImageDataGenerator(rescale=1. / 255, shear_range=0.2, zoom_range=0.2, horizontal_flip=True)
plain = ImageDataGenerator(rescale=1. / 255)
train = varied.flow_from_directory('data/train', target_size=(8, 8), batch_size=4, class_mode='binary')
test = plain.flow_from_directory('data/test', target_size=(8, 8), batch_size=2, class_mode='binary', shuffle=False)
h = model.fit_generator(train, steps_per_epoch=3, epochs=1, validation_data=test, validation_steps=2, verbose=0)
assert set(h.history) == {'loss', 'accuracy', 'val_loss', 'val_accuracy'}
model.fit_generator(train, samples_per_epoch=12, nb_epoch=1, validation_data=test, nb_val_samples=4, verbose=0)
assert model.predict_generator(test, 2).shape == (4, 1) and test.class_indices == {'owls': 0, 'rats': 1}
assert len(model.evaluate_generator(test, val_samples=4)) == 2
x = img_to_array(load_img('data/train/owls/0.png', target_size=(8, 8)))[None]
os.mkdir('more')
for i, batch in enumerate(varied.flow(x, batch_size=1, save_to_dir='more', save_prefix='owl', save_format='png')):
    if i == 2:
        break
assert all(name.startswith('owl') for name in os.listdir('more')) and os.listdir('more')
"""

SALIENCY = """
import numpy as np
from keras import backend as K
from keras.layers import Conv2D, Dense, GlobalAveragePooling2D, MaxPooling2D
from keras.models import Model, Sequential

K.clear_session()
K.set_learning_phase(0)
model = Sequential([Conv2D(3, (3, 3), activation='softplus', input_shape=(8, 8, 1), name='low'), MaxPooling2D(),
                    Conv2D(4, (2, 2), activation='relu', name='high'), GlobalAveragePooling2D(), Dense(3)])
x = np.random.rand(1, 8, 8, 1)
best = int(np.argmax(model.predict(x)[0]))
features = model.get_layer('high').output
slopes = K.gradients(model.output[:, best], features)[0]
look = K.function([model.input], [K.mean(slopes, axis=(0, 1, 2)), features[0]])
weights, maps = look([x])
assert weights.shape == (4,) and maps.shape == (2, 2, 4)
for i in range(4):
    maps[:, :, i] *= weights[i]
heat = np.maximum(np.mean(maps, axis=-1), 0)
score = K.mean(model.get_layer('low').output[:, :, :, 1])
step = K.gradients(score, model.input)[0]
step /= K.sqrt(K.mean(K.square(step))) + 1e-5
climb = K.function([model.input], [score, step])
values = []
for i in range(3):
    value, slope = climb([x])
    values.append(float(value))
    x += slope
assert values[-1] > values[0]
middle = K.function([model.layers[0].input, K.learning_phase()], [model.layers[1].output])
assert middle([x, 0])[0].shape == (1, 3, 3, 3)
assert [a.shape[-1] for a in Model(model.input, [l.output for l in model.layers[:3]]).predict(x)] == [3, 3, 4]
hole = K.placeholder(shape=(None, 3))
assert K.function([hole], [K.sum(hole * 2, axis=1)])([np.ones((2, 3))])[0].tolist() == [6, 6]
K.set_value(model.layers[-1].bias, np.ones(3))
assert K.get_value(model.layers[-1].bias).tolist() == [1, 1, 1] and K.eval(K.sum(K.variable([1., 2.]))) == 3
"""

PIPELINE = """
import os
import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

def prepared(image, label):
    image = tf.expand_dims(tf.cast(image, tf.float32) / 255., -1)
    return tf.image.resize(image, [8, 8]), tf.one_hot(label, 3)

images, labels = np.random.randint(0, 255, (32, 6, 6)).astype('uint8'), np.random.randint(0, 3, 32)
data = tf.data.Dataset.from_tensor_slices((images, labels)).map(prepared, num_parallel_calls=tf.data.AUTOTUNE)
data = data.cache().shuffle(32).map(lambda x, y: (tf.image.random_flip_left_right(x), y)).batch(8).prefetch(1)
test, train = data.take(1), data.skip(1)
losses = tf.keras.losses.CategoricalCrossentropy(from_logits=True)

class Net(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.conv = layers.Conv2D(4, 3, activation='relu')
        self.flatten, self.out = layers.Flatten(), layers.Dense(3)

    def call(self, x):
        return self.out(self.flatten(self.conv(x)))

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compiled_loss(y, y_pred, regularization_losses=self.losses)
        found, _ = tf.clip_by_global_norm(tape.gradient(loss, self.trainable_variables), 1.0)
        self.optimizer.apply_gradients(zip(found, self.trainable_variables))
        self.compiled_metrics.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}

class Enough(tf.keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = (logs.get('acc') or 0) > 2

rate = tf.keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
net = Net()
net.compile(tf.keras.optimizers.Adam(learning_rate=rate), losses, ['accuracy'])  # metrics are third in Keras 2
saved = tf.keras.callbacks.ModelCheckpoint('training/cp-{epoch:04d}.ckpt', save_weights_only=True, verbose=0)
h = net.fit(train, validation_data=test, epochs=2, callbacks=[saved, Enough()], verbose=0)
assert set(h.history) == {'loss', 'accuracy', 'val_loss', 'val_accuracy'}
latest = tf.train.latest_checkpoint('training')
assert latest.endswith('cp-0002.ckpt'), latest
other = Net()
other.build((None, 8, 8, 1))
other.load_weights(latest)
assert (other.get_weights()[0] == net.get_weights()[0]).all()
plain = tf.keras.Sequential([layers.InputLayer(input_shape=(8, 8, 1)), layers.Flatten(), layers.Dense(3)])
plain.compile('sgd', losses, metrics=['accuracy', tf.keras.metrics.AUC(name='auc')])
plain.fit(train, verbose=0)
plain.save('saved/plain')
assert sorted(os.listdir('saved/plain')) == ['config.json', 'metadata.json', 'model.weights.h5']
sure = tf.keras.Sequential([tf.keras.models.load_model('saved/plain'), layers.Softmax()])
assert np.allclose(sure.predict(test).sum(axis=1), 1)
v = tf.Variable(5.0)
tf.keras.optimizers.SGD(learning_rate=0.1).minimize(lambda: (v - 3.0) ** 2, var_list=[v])
assert 4.5 < v.numpy() < 5
with tf.GradientTape(persistent=True) as tape:
    m = tf.Variable([[1., 2.], [3., 4.]])
    square = tf.matmul(m, m)
    mean = tf.reduce_mean(square ** 2)
assert tape.gradient(mean, m).shape.as_list() == [2, 2] and tape.gradient(square, m).shape == (2, 2)
"""

FROZEN_BASE = """
import numpy as np
from keras.callbacks import EarlyStopping, LearningRateScheduler
from keras.layers import BatchNormalization, Conv2D, Dense, Dropout, GlobalAveragePooling2D, Input, MaxPooling2D
from keras.models import Model, Sequential, load_model
from keras.optimizers import SGD

image = Input(shape=(8, 8, 3))
h = BatchNormalization()(Conv2D(4, (3, 3), padding='same', activation='relu', name='edges')(image))
h = Conv2D(6, (3, 3), activation='relu', name='shapes')(MaxPooling2D((2, 2), strides=(2, 2))(h))
taught = Model(image, Dense(5, activation='softmax')(GlobalAveragePooling2D()(h)))
taught.compile('adam', 'categorical_crossentropy')
taught.save('taught.h5')
base = load_model('taught.h5')
h = Dropout(0.5)(Dense(6, activation='relu')(base.layers[-2].output))
model = Model(inputs=base.input, outputs=Dense(2, activation='softmax')(h))
for layer in base.layers:
    layer.trainable = False
model.compile(optimizer='rmsprop', loss='categorical_crossentropy', metrics=['accuracy'])
x, y = np.random.rand(16, 8, 8, 3), np.eye(2)[np.random.randint(0, 2, 16)]
before = [w.copy() for w in base.get_weights()[:-2]]
model.fit(x, y, epochs=1, verbose=0, class_weight={0: 1., 1: 2.})
assert len(model.trainable_weights) == 4
assert all((a == b).all() for a, b in zip(before, model.get_weights()))
for layer in model.layers[-6:]:
    layer.trainable = True
model.compile(optimizer=SGD(lr=0.01, momentum=0.9), loss='categorical_crossentropy')
model.fit(x, y, epochs=2, verbose=0, callbacks=[LearningRateScheduler(lambda epoch: 0.01 * 0.5 ** epoch),
                                                EarlyStopping('loss', patience=5, mode='auto')])
assert (base.get_layer('shapes').get_weights()[0] != taught.get_layer('shapes').get_weights()[0]).any()
assert (base.get_layer('edges').get_weights()[0] == taught.get_layer('edges').get_weights()[0]).all()
model.load_weights('taught.h5', by_name=True)
assert (base.get_layer('shapes').get_weights()[0] == taught.get_layer('shapes').get_weights()[0]).all()
"""

SCRIPTS = {
    "adversaries": ADVERSARIES,
    "adversaries_tf": ADVERSARIES_TF,
    "attention": ATTENTION,
    "frozen_base": FROZEN_BASE,
    "latent": LATENT,
    "latent_in_loss": LATENT_IN_LOSS,
    "letters": LETTERS,
    "pictures": PICTURES,
    "pipeline": PIPELINE,
    "saliency": SALIENCY,
    "translator": TRANSLATOR,
    "twins": TWINS,
    "two_doors": TWO_DOORS,
}


@pytest.mark.parametrize(
    "script",
    [pytest.param(s, id=name, marks=pytest.mark.slow if i % 2 else ()) for i, (name, s) in enumerate(SCRIPTS.items())],
)
def test_a_program_runs_as_it_is(run, script):
    done = run(script)
    assert done.returncode == 0, done.stderr
    assert not done.stderr


def test_outside_of_such_programs_each_step_asks_what_is_trainable():
    import eagerflow as ef

    model = ef.Sequential([ef.Input((2,)), ef.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.trainable = False
    before = model.get_weights()[0]
    with pytest.warns(UserWarning, match="no trainable weights"):
        model.train_on_batch([[1.0, 2.0]], [[5.0]])
    assert (model.get_weights()[0] == before).all()

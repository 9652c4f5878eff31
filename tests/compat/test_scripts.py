"""Whole programs in the words of Keras 2 and tf.keras, run by the command."""

from __future__ import annotations

import pytest

KERAS_1 = """
import numpy as np
from keras.models import Sequential
from keras.layers.core import Dense, Dropout, Activation, Flatten
from keras.layers.convolutional import Convolution2D, MaxPooling2D
from keras.optimizers import SGD
from keras.utils import np_utils

np.random.seed(1)
X = np.random.rand(60, 8, 8, 1)
Y = np_utils.to_categorical((X.mean(axis=(1, 2, 3)) > 0.5).astype(int), 2)
model = Sequential()
model.add(Convolution2D(4, 3, 3, border_mode='same', input_shape=(8, 8, 1), init='he_normal'))
model.add(Activation('relu'))
model.add(MaxPooling2D(pool_size=(2, 2), dim_ordering='tf'))
model.add(Flatten())
model.add(Dropout(p=0.1))
model.add(Dense(output_dim=2))
model.add(Activation('softmax'))
sgd = SGD(lr=0.05, decay=1e-6, momentum=0.9, nesterov=True)
model.compile(loss='categorical_crossentropy', optimizer=sgd, metrics=['accuracy'])
model.fit(X, Y, batch_size=20, nb_epoch=2, verbose=0)
assert model.layers[0].kernel.shape == (3, 3, 1, 4)
classes = model.predict_classes(X)
assert classes.shape == (60,) and model.predict_proba(X).shape == (60, 2)
"""

GENERATORS = """
import numpy as np
import keras
from keras import backend as K
from keras.layers import Input, Dense, LSTM, CuDNNLSTM, Lambda
from keras.models import Model
from keras.callbacks import LearningRateScheduler, LambdaCallback

def rows():
    while True:
        x = np.random.rand(8, 5, 3)
        yield x, x.sum(axis=(1, 2))[:, None]

a = Input(batch_shape=(None, 5, 3))
h = CuDNNLSTM(6, return_sequences=True)(a)
h = Lambda(lambda t: K.mean(t, axis=1))(h)
model = Model(input=a, output=Dense(1)(h))

def rooted(y_true, y_pred):
    return K.sqrt(K.mean(K.square(y_pred - y_true), axis=-1))

model.compile(optimizer=keras.optimizers.Adam(lr=0.01, epsilon=None), loss=rooted, metrics=['mae', rooted])
seen = []
history = model.fit_generator(rows(), steps_per_epoch=4, epochs=3, verbose=0, workers=1, max_queue_size=2, callbacks=[
    LearningRateScheduler(lambda epoch: 0.01 / (epoch + 1)),
    LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(K.get_value(model.optimizer.lr)))])
assert len(history.history['rooted']) == 3, history.history
np.testing.assert_allclose(seen, [0.01, 0.005, 0.01 / 3], rtol=1e-6)
assert len(model.evaluate_generator(rows(), steps=2)) == 3
assert model.predict_generator(rows(), steps=2).shape == (16, 1)
"""

SAMPLING = """
import numpy as np
from keras.layers import Input, Dense, Lambda, Layer
from keras.models import Model
from keras import backend as K, metrics

class WithLoss(Layer):
    def call(self, inputs):
        x, decoded, mean, spread = inputs
        divergence = -0.5 * K.mean(1 + spread - K.square(mean) - K.exp(spread), axis=-1)
        self.add_loss(K.mean(metrics.binary_crossentropy(x, decoded) + divergence))
        return decoded

def sampling(args):
    mean, spread = args
    noise = K.random_normal(shape=(K.shape(mean)[0], K.int_shape(mean)[1]), mean=0., stddev=1.)
    return mean + K.exp(spread / 2) * noise

x = Input(shape=(12,))
h = Dense(8, activation='relu')(x)
mean, spread = Dense(2)(h), Dense(2)(h)
z = Lambda(sampling, output_shape=(2,))([mean, spread])
decoded = Dense(12, activation='sigmoid')(z)
vae = Model(x, WithLoss()([x, decoded, mean, spread]))
vae.compile(optimizer='rmsprop', loss=None)
losses = vae.fit(np.random.rand(200, 12), epochs=3, verbose=0).history['loss']
assert np.isfinite(losses).all()
assert Model(x, mean).predict(np.random.rand(3, 12)).shape == (3, 2)
"""

CUSTOM_LOOP = """
import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

physical = tf.config.experimental.list_physical_devices('GPU')
tf.random.set_seed(3)

class Classifier(tf.keras.Model):
    def __init__(self):
        super(Classifier, self).__init__(name='')
        self.hidden = layers.Dense(8, activation=tf.nn.relu)
        self.drop = layers.Dropout(0.2)
        self.out = layers.Dense(2)
        self.scale = tf.Variable(initial_value=tf.ones([2]), trainable=True)

    @tf.function
    def call(self, x, training=False):
        return self.out(self.drop(self.hidden(x), training=training)) * self.scale

x = np.random.rand(64, 4).astype('float32')
y = (x.sum(axis=1) > 2).astype('int64')
data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(64).batch(16).prefetch(tf.data.experimental.AUTOTUNE)
model = Classifier()
loss_object = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = tf.keras.optimizers.Adam(learning_rate=0.05)
train_loss = tf.keras.metrics.Mean(name='train_loss')
accuracy = tf.keras.metrics.SparseCategoricalAccuracy()

@tf.function
def train_step(images, labels):
    with tf.GradientTape() as tape:
        predictions = model(images, training=True)
        loss = loss_object(labels, predictions)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    train_loss(loss)
    accuracy(labels, predictions)

first = None
for epoch in range(8):
    train_loss.reset_states(); accuracy.reset_states()
    for images, labels in data:
        train_step(images, labels)
    first = first or float(train_loss.result())
assert float(train_loss.result()) < first
assert len(model.trainable_variables) == 5
model.compile('adam', loss_object, metrics=['accuracy'])
assert model.predict(x, verbose=0).shape == (64, 2)
"""

OWN_LAYER = """
import tensorflow as tf
from tensorflow.keras import backend as K
import numpy as np

class Linear(tf.keras.layers.Layer):
    def __init__(self, units=4, **kwargs):
        super(Linear, self).__init__(**kwargs)
        self.units = units
    def build(self, input_shape):
        self.w = self.add_weight(name='w', shape=(input_shape[-1], self.units),
                                 initializer='random_normal', trainable=True)
        self.b = self.add_variable('b', shape=[self.units], initializer='zeros')
        super(Linear, self).build(input_shape)
    def call(self, inputs):
        return tf.matmul(inputs, self.w) + self.b
    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.units)
    def get_config(self):
        config = super(Linear, self).get_config()
        config.update({'units': self.units})
        return config

inputs = tf.keras.Input(shape=(3,))
x = Linear(5, name='linear')(inputs)
x = tf.nn.relu(x)
outputs = tf.keras.layers.Dense(1)(tf.concat([x, tf.square(x)], axis=-1))
model = tf.keras.Model(inputs=inputs, outputs=outputs)
model.compile(tf.keras.optimizers.RMSprop(0.01), loss=lambda t, p: tf.reduce_mean(tf.abs(t - p)), metrics=['mse'])
h = model.fit(np.ones((16, 3)), np.ones((16, 1)), epochs=2, verbose=0, validation_split=0.25)
assert set(h.history) == {'loss', 'mse', 'val_loss', 'val_mse'}, h.history
hidden = K.function([model.input], [model.get_layer('linear').output])([np.ones((2, 3))])[0]
assert hidden.shape == (2, 5)
again = tf.keras.models.model_from_json(model.to_json(), custom_objects={'Linear': Linear})
assert again.count_params() == model.count_params() == 3 * 5 + 5 + 11
"""

SHAPES = """
import tensorflow as tf
from tensorflow import keras
import numpy as np

class MyDense(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
    def build(self, batch_input_shape):
        assert batch_input_shape.rank == len(batch_input_shape.as_list())
        self.kernel = self.add_weight('kernel', shape=[batch_input_shape.as_list()[-1], self.units])
        super().build(batch_input_shape)
    def call(self, inputs):
        return inputs @ self.kernel
    def compute_output_shape(self, batch_input_shape):
        return tf.TensorShape(batch_input_shape.as_list()[:-1] + [self.units])

class Joined(keras.layers.Layer):
    def build(self, input_shape):
        assert [each.as_list()[-1] for each in input_shape] == [3, 2], input_shape
    def call(self, inputs):
        return tf.concat(inputs, axis=-1)

model = keras.Sequential([MyDense(4, input_shape=(3,)), MyDense(1)])
model.compile('sgd', 'mse')
model.fit(np.ones((8, 3)), np.ones((8, 1)), verbose=0)
rows = keras.Input((5, 3))
assert keras.layers.TimeDistributed(MyDense(2))(rows).shape.as_list() == [None, 5, 2]
assert Joined()([tf.ones((2, 3)), tf.ones((2, 2))]).shape == (2, 5)
loss = keras.metrics.Mean()
loss(0.5)
assert f'loss: {loss.result()}' == 'loss: 0.5'
"""

SCRIPTS = {
    "shapes": SHAPES,
    "keras_1": KERAS_1,
    "generators": GENERATORS,
    "sampling": SAMPLING,
    "custom_loop": CUSTOM_LOOP,
    "own_layer": OWN_LAYER,
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_a_program_runs_as_it_is(run, script):
    done = run(script)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
